"""How well a dataset fits a file: the score of a candidate, and whether the two have enough in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.dataset import Dataset, FileColumns, normalised
from shared.catalog.recognition.candidate import Candidate
from shared.catalog.recognition.names import unique_names
from shared.catalog.recognition.values import (
    contradicted_names,
    days_of_something_else,
    small_ratings,
    years_of_release,
)
from shared.catalog.sample import Sample
from shared.catalog.tables.movies import TABLE as MOVIES

# Below these a header has a few names in common with a dataset by accident.
_LEAST_SHARE_OF_HEADER: Final = 1 / 3
LEAST_SHARE_OF_DATASET: Final = 1 / 2
_LEAST_SHARE_OF_GENERAL: Final = 1 / 2
_LEAST_SHARE_OF_OTHER_TABLE: Final = 1 / 2
_LEAST_COLUMNS: Final = 2
# So many columns with values that fit are no accident, whatever else a table has.
_MANY_COLUMNS: Final = 6
# Names that tables of films have beside its columns speak for a general dataset, too: with several of its columns ...
_SEVERAL_COLUMNS: Final = 3
# ... or with fewer, if hardly any name is left.
_LEAST_KNOWN: Final = 3 / 4
_BETA: Final = 0.25**2
_GENERAL: Final = 0.75


def judge(dataset: Dataset, header: Sequence[str], sample: Sample, mapping: Mapping[str, str]) -> Candidate:
    """The dataset as a candidate for a file; `mapping` has the dataset's own names."""
    if dataset.declaration is not None:  # its fields may have the names that repeated ones get
        header = unique_names(header)
    columns = dataset.columns_of(header, mapping)
    lacks = [name for name in dataset.required_names if name in columns.missing]
    judged = () if lacks else sample  # what is not possible anyway need not be judged
    contradicted = [name for name in contradicted_names(dataset, header, columns, judged) if name not in mapping]
    left_out: dict[str, str] = {}
    small: list[str] = []
    if dataset.is_general:
        other_day = days_of_something_else(columns, header, sample)
        left_out = {name: columns.mapped[name] for name in [*contradicted, *other_day] if name not in mapping}
        years = {name: "year" for name in years_of_release(dataset, columns, header, sample) if name in left_out}
        left_out = {name: column for name, column in left_out.items() if name not in years}
        columns = dataset.columns_of(header, {**mapping, **dict.fromkeys(left_out, ""), **years})
        contradicted = []
        small = [name for name in small_ratings(columns, header, sample) if name not in mapping]
    overlap = _overlap(dataset, header, columns, mapping, contradictions=len(contradicted))
    closeness = overlap.closeness
    if dataset.is_general:
        closeness *= _GENERAL  # it says less about the file than a dataset that is made for such files
    has_enough = _has_enough(dataset, header, columns, mapping, overlap)
    return Candidate(dataset, columns, lacks, contradicted, closeness, has_enough, overlap.of_dataset, left_out, small)


@dataclass(frozen=True)
class _Overlap:
    """What a header and a dataset have in common.

    `found`: names of the header that the dataset has as columns or signature. `known`: these and its other columns.
    `agreeing`: those of `found` that count for it. `of_header`, `of_dataset`: which share of each they are, 0 to 1.
    `known_of_header`: which share they are with its other columns.
    """

    found: int
    known: int
    agreeing: int
    of_header: float
    known_of_header: float
    of_dataset: float

    @property
    def closeness(self) -> float:
        """The harmonic mean of both shares, in which that of the header counts most."""
        if not self.agreeing:
            return 0.0
        return (1 + _BETA) * self.of_header * self.of_dataset / (_BETA * self.of_header + self.of_dataset)


def _overlap(
    dataset: Dataset, header: Sequence[str], columns: FileColumns, mapping: Mapping[str, str], *, contradictions: int
) -> _Overlap:
    names = {normalised(name) for name in header}
    signature, others = dataset.signature_names, dataset.other_names
    found = len(columns.mapped) + len(names & signature)
    generic = {name for name in header if normalised(name) in dataset.generic_names and name not in mapping}
    agreeing = max(found - len(generic & columns.mapped.keys()) - len(signature - names) - 2 * contradictions, 0)
    beside = len(names & others)
    alike, counting = agreeing + (0 if dataset.is_general else beside), max(len(header) - len(generic), 1)
    return _Overlap(
        found=found,
        known=found + beside,
        agreeing=agreeing,
        of_header=min(alike / counting, 1) if agreeing else 0.0,
        known_of_header=min((agreeing + beside) / counting, 1),
        of_dataset=agreeing / (len(dataset.column_names) + len(signature)),
    )


def _has_enough(
    dataset: Dataset, header: Sequence[str], columns: FileColumns, mapping: Mapping[str, str], overlap: _Overlap
) -> bool:
    """Whether the file has so much of the dataset that it is no accident."""
    if dataset.is_general:
        is_known = overlap.known >= min(_LEAST_COLUMNS, len(header))
        # a client that says what the title is has a table of films
        is_said = any(name in dataset.required_names for name in mapping.values())
        return is_said or (is_known and _is_much_of_general(overlap))
    if dataset.declaration is not None and not columns.extra:
        return overlap.agreeing > 0
    if dataset.table.name != MOVIES.name:
        is_alike = overlap.of_header >= _LEAST_SHARE_OF_OTHER_TABLE
    else:
        is_alike = overlap.of_header >= _LEAST_SHARE_OF_HEADER or overlap.of_dataset >= LEAST_SHARE_OF_DATASET
    return is_alike and overlap.found >= _LEAST_COLUMNS


def _is_much_of_general(overlap: _Overlap) -> bool:
    if overlap.agreeing >= _MANY_COLUMNS or overlap.of_header >= _LEAST_SHARE_OF_GENERAL:
        return True
    least = _LEAST_SHARE_OF_GENERAL if overlap.agreeing >= _SEVERAL_COLUMNS else _LEAST_KNOWN
    return overlap.agreeing >= _LEAST_COLUMNS and overlap.known_of_header >= least
