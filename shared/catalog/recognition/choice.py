"""Every dataset with its score, and the best of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.catalog.dataset import Dataset, normalised
from shared.catalog.recognition.candidate import SHOWN_CHARACTERS, SHOWN_NAMES, Candidate
from shared.catalog.recognition.names import resolved
from shared.catalog.recognition.score import LEAST_SHARE_OF_DATASET, judge
from shared.catalog.sample import Sample
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.csv.unreadable import AmbiguousDataset, HeaderMismatch

_MOST_CANDIDATES: Final = 5
_TIE: Final = 0.02
# A dataset that is so much closer is the right one, although it lacks a column.
_MUCH_CLOSER: Final = 0.2


def candidates(
    datasets: Iterable[Dataset], header: Sequence[str], sample: Sample = (), mapping: Mapping[str, str] | None = None
) -> list[Candidate]:
    """Every dataset, the best one first."""
    judged = [judge(dataset, header, sample, resolved(mapping or {}, dataset)) for dataset in datasets]
    films = [each for each in judged if each.is_possible and _is_of_films(each)]
    judged = [_excluded(each) if _are_films(each, films, header) and not _is_own(each) else each for each in judged]
    # Of equals, the one that spells more of the names exactly so, then the smaller one.
    found = sorted(judged, key=lambda found: (-found.is_possible, -found.closeness, -_exact(found), len(found.lacks)))
    if own := [each for each in found if _is_own(each)]:
        return sorted(found, key=lambda each: -each.share if each in own else 1)
    general = next((each for each in films if each.dataset.is_general), None)
    if general is not None and _has_as_much(general, found[0]):
        found.remove(general)
        found.insert(0, general)
    return found


def best(found: Sequence[Candidate], header: Sequence[str], *, is_chosen: bool = False) -> Candidate:
    """The first of `candidates`; raises `HeaderMismatch` and `AmbiguousDataset`.

    `is_chosen`: the client has named the dataset, so it needs nothing but the required columns.
    """
    first, *others = found
    if is_chosen and not first.lacks:
        return first
    nearest = sorted(found, key=lambda candidate: -candidate.closeness)
    lacking = next((candidate for candidate in nearest if candidate.lacks), first)
    if not first.is_possible or lacking.closeness - first.score > _MUCH_CLOSER:
        raise _mismatch(nearest, header)
    rivals = [
        other
        for other in others
        if other.is_possible
        and _is_own(other) == _is_own(first)
        and first.score - other.score < _TIE
        and len(other.columns.mapped) >= len(first.columns.mapped)
        and _exact(other) >= _exact(first)
        and not other.loads_like(first)
        and not (first.dataset.is_general and _has_as_much(first, other))
    ]
    if rivals:
        names = " or ".join(candidate.name for candidate in (first, *rivals))
        raise AmbiguousDataset(f"the file may be {names}; say which with dataset=", _shown(found, header))
    return first


def _is_own(candidate: Candidate) -> bool:
    """Whether the tenant has declared the dataset for such files: it knows all of the header."""
    is_known = candidate.dataset.declaration is not None and not candidate.columns.extra
    return is_known and not candidate.lacks and not candidate.contradicted


def _is_of_films(candidate: Candidate) -> bool:
    return candidate.dataset.table.name == MOVIES.name


def _are_films(candidate: Candidate, films: Sequence[Candidate], header: Sequence[str]) -> bool:
    """Whether the rows are films, and not what the candidate takes them for.

    Then a dataset of films knows the title or another name that the candidate does not know, or the candidate lacks a
    column. Those that are made for certain files must know as many names: an id and a title are in other files, too.
    """
    if _is_of_films(candidate):
        return False
    others = candidate.dataset.other_names
    known = candidate.columns.mapped.keys() | {name for name in header if normalised(name) in others}
    return any(
        bool(candidate.lacks) or not film.columns.mapped.keys() <= known
        for film in films
        if film.dataset.is_general or len(film.columns.mapped) >= len(candidate.columns.mapped)
    )


def _excluded(candidate: Candidate) -> Candidate:
    return replace(candidate, closeness=0.0, has_enough=False)


def _has_as_much(general: Candidate, other: Candidate) -> bool:
    """Whether the general dataset makes as much of the file as another, to which the file belongs by chance."""
    if not _is_of_films(other):
        return False
    if other.contradicted:
        is_more = len(general.columns.mapped) > len(other.columns.mapped) - len(other.contradicted)
        return is_more or not general.left_out
    keys = {column.name for column in other.dataset.columns if column.is_key}
    is_its_own = other.share >= LEAST_SHARE_OF_DATASET and keys <= other.columns.sources.keys()
    if is_its_own or len(general.columns.mapped) < len(other.columns.mapped):
        return False
    return len(general.columns.mapped) > len(other.columns.mapped) or _exact(general) >= _exact(other)


def _exact(candidate: Candidate) -> int:
    """How many names of the header are spelled exactly as the dataset's."""
    return sum(name == column for name, column in candidate.columns.mapped.items())


def _shown(found: Sequence[Candidate], header: Sequence[str]) -> dict[str, Any]:
    return {
        "candidates": [candidate.describe() for candidate in found[:_MOST_CANDIDATES]],
        "found": [name[:SHOWN_CHARACTERS] for name in header[:SHOWN_NAMES]],
    }


def _mismatch(nearest: Sequence[Candidate], header: Sequence[str]) -> HeaderMismatch:
    # of a table with a title, films say more than what lacks its own columns
    films = (each for each in nearest if _is_of_films(each) and not each.lacks and len(each.columns.mapped) > 1)
    first, shown = nearest[0], _shown(nearest, header)
    if first.lacks and not _is_of_films(first):
        first = next(films, first)
    if not first.columns.mapped:
        return HeaderMismatch(
            "the header has no column of any dataset; if the first line is a record, name the columns with header=",
            shown,
        )
    if first.lacks:
        return HeaderMismatch(
            f"the header fits no dataset; it lacks columns of the nearest, {first.name}: {', '.join(first.lacks)}."
            " If a column has another name, say so with mapping=",
            {"dataset": first.name, "missing": first.lacks, **shown},
        )
    return HeaderMismatch(
        f"the header has little in common with any dataset; if the nearest, {first.name}, is right, say so with"
        " dataset=",
        {"dataset": first.name, "missing": first.columns.missing, **shown},
    )
