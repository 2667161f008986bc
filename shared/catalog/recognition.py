"""Which dataset a file belongs to, by its header and its first records.

A dataset is possible if the header has all columns that a record cannot do without. Each possible dataset gets a score
from 0 to 1: the share of the header's names that it knows and the share of its columns that the header has, as their
harmonic mean in which the first counts most (F 0.25), because what a dataset does not know lands in no field. A column
whose values mostly contradict its rule counts against it. The best score wins, but a general dataset goes before one
that has no more of the file and most of whose own columns the file lacks, or whose columns the values contradict.
Datasets whose scores hardly differ are a tie, unless they would load the file in the same way.

The rows of most datasets are films. Those of the others have few columns, and some of these are in files of films, too
(an id, a rating). So half of the header must be theirs, and a table with a title and a fact of films that they do not
know is one of films.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.catalog.checks import Between
from shared.catalog.dataset import Column, Dataset, FileColumns, normalised
from shared.catalog.declaration import Declaration
from shared.catalog.rules.basic_rules import IsoDate
from shared.catalog.rules.formatted_rules import Day, candidate_formats
from shared.catalog.table_schema import TableSchema
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.csv.unreadable import AmbiguousDataset, AmbiguousFormat, HeaderMismatch

# The records of a sample, cell by cell.
Sample = Sequence[Sequence[str]]

_MOST_CANDIDATES: Final = 5
_SHOWN_NAMES: Final = 100
_SHOWN_CHARACTERS: Final = 100
# Below these a header has a few names in common with a dataset by accident.
_LEAST_SHARE_OF_HEADER: Final = 1 / 3
_LEAST_SHARE_OF_DATASET: Final = 1 / 2
_LEAST_SHARE_OF_GENERAL: Final = 1 / 2
_LEAST_SHARE_OF_OTHER_TABLE: Final = 1 / 2
_LEAST_COLUMNS: Final = 2
_BETA: Final = 0.25**2
_TIE: Final = 0.02
# A dataset that is so much closer is the right one, although it lacks a column.
_MUCH_CLOSER: Final = 0.2
_GENERAL: Final = 0.75
_MOST_FAILURES: Final = 0.5
_JUDGED_RECORDS: Final = 60
_YEAR_IN_DAY: Final = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Candidate:
    """A dataset that a file may belong to.

    `lacks`: required columns that the header does not have. `contradicted`: names in the header whose values do not
    look like those of the dataset. `left_out`: such names of a general dataset, which are not read as its columns.
    `closeness`: the score, although the file may have too little in common with it. `share`: how much of the dataset
    the header has, 0 to 1. `inferred`: the dataset is made for this file and not declared yet; `seen_records` have
    shown its types.
    """

    dataset: Dataset
    columns: FileColumns
    lacks: list[str]
    contradicted: list[str]
    closeness: float
    has_enough: bool
    share: float
    left_out: dict[str, str] = field(default_factory=dict)
    schema: TableSchema = field(default_factory=TableSchema)
    inferred: Declaration | None = None
    seen_records: int = 0

    @property
    def score(self) -> float:
        """How well the file fits, 0 to 1."""
        return self.closeness if self.has_enough else 0.0

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.dataset.name

    @property
    def nulls(self) -> tuple[str, ...]:
        """Cell texts that mean null."""
        return self.dataset.nulls if self.schema.missing_values is None else self.schema.missing_values

    @property
    def quoting(self) -> bool:
        """Whether the publisher of such files wraps cells in quotes."""
        return self.dataset.quoting

    @property
    def is_possible(self) -> bool:
        """Whether it has what a record needs, and enough in common with the file."""
        return not self.lacks and self.score > 0

    def describe(self) -> dict[str, Any]:
        """For the client that must choose."""
        return {
            "dataset": self.dataset.name,
            "score": round(self.closeness, 2),
            "mapping": {name[:_SHOWN_CHARACTERS]: column for name, column in _first(self.columns.mapped.items())},
            "lacks": self.lacks,
            "contradicted": [name[:_SHOWN_CHARACTERS] for name in self.contradicted],
        }

    @property
    def outcome(self) -> Any:
        """What decides how the file is loaded."""
        sources = self.columns.sources
        loaded = [
            (sources[column.name], column.field, column.rule.name, type(column.rule), column.checks, column.is_nullable)
            for column in self.dataset.columns
            if column.name in sources
        ]
        return sorted(map(repr, loaded)), self.dataset.nulls, self.dataset.table.name

    def loads_like(self, other: "Candidate") -> bool:
        """Whether both would make the same rows and rejects of the file."""
        return bool(self.outcome == other.outcome)


def candidates(
    datasets: Iterable[Dataset], header: Sequence[str], sample: Sample = (), mapping: Mapping[str, str] | None = None
) -> list[Candidate]:
    """Every dataset, the best one first."""
    judged = [_judge(dataset, header, sample, resolved(mapping or {}, dataset)) for dataset in datasets]
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
    others = set(map(normalised, candidate.dataset.other_columns))
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
    is_its_own = other.share >= _LEAST_SHARE_OF_DATASET and keys <= other.columns.sources.keys()
    if is_its_own or len(general.columns.mapped) < len(other.columns.mapped):
        return False
    return len(general.columns.mapped) > len(other.columns.mapped) or _exact(general) >= _exact(other)


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


def _shown(found: Sequence[Candidate], header: Sequence[str]) -> dict[str, Any]:
    return {
        "candidates": [candidate.describe() for candidate in found[:_MOST_CANDIDATES]],
        "found": [name[:_SHOWN_CHARACTERS] for name in header[:_SHOWN_NAMES]],
    }


def with_schema(found: Candidate, schema: TableSchema, header: Sequence[str], sample: Sample) -> Candidate:
    """The candidate with the client's schema, and with the format of each column of dates, which its values show.

    Raises `InvalidSchema`, and `AmbiguousFormat` if the values of the sample fit more than one format.
    """
    dataset, sources = schema.applied(found.dataset, found.columns), found.columns.sources
    nulls = dataset.nulls
    formats: dict[str, str] = {}
    for column in dataset.columns:
        if not isinstance(column.rule, IsoDate) or schema.names_format_of(column, sources):
            continue
        name = sources[column.name]
        cells = [row[header.index(name)] for row in sample]
        values = [cell for cell in cells if cell.strip() and cell not in nulls]
        if values and not all(_parses(column, value) for value in values):
            fitting = candidate_formats(values)
            if len({str(Day(format_).parse(value)) for value in values for format_ in fitting}) > len({*values}):
                raise _ambiguous(name, fitting, values[0])
            if fitting:
                formats[name] = fitting[0]
    return replace(found, schema=schema.with_formats(formats) if formats else schema)


def _ambiguous(name: str, formats: Sequence[str], value: str) -> AmbiguousFormat:
    readings = {format_: str(Day(format_).parse(value)) for format_ in formats}
    shown = " or ".join(f"{read} ({format_})" for format_, read in readings.items())
    example = json.dumps({"fields": [{"name": name, "format": formats[0]}]})
    return AmbiguousFormat(
        f"the dates in {name[:_SHOWN_CHARACTERS]} can be read in several ways: {value[:_SHOWN_CHARACTERS]} is {shown};"
        f" say which with schema={example}",
        {"column": name[:_SHOWN_CHARACTERS], "value": value[:_SHOWN_CHARACTERS], "readings": readings},
    )


def resolved(mapping: Mapping[str, str], dataset: Dataset) -> dict[str, str]:
    """The mapping with the dataset's own names: it may name a column, one of its aliases, or a field.

    A name that the dataset does not know is left out.
    """
    names: dict[str, str] = {"": ""}
    feeds = Counter(column.name for column in dataset.columns)
    for column in dataset.columns:
        # the field of a column that feeds several does not name it
        for name in (*([column.field] if feeds[column.name] == 1 else []), *column.aliases):
            names.setdefault(normalised(name), column.name)
    names.update({normalised(column.name): column.name for column in dataset.columns})
    return {name: names[normalised(wanted)] for name, wanted in mapping.items() if normalised(wanted) in names}


def _judge(dataset: Dataset, header: Sequence[str], sample: Sample, mapping: Mapping[str, str]) -> Candidate:
    if dataset.declaration is not None:  # its fields may have the names that repeated ones get
        header = unique_names(header)
    columns = dataset.columns_of(header, mapping)
    lacks = [name for name in dataset.required_names if name in columns.missing]
    judged = () if lacks else sample  # what is not possible anyway need not be judged
    contradicted = [name for name in _contradicted(dataset, header, columns, judged) if name not in mapping]
    left_out: dict[str, str] = {}
    if dataset.is_general:
        other_day = _days_of_something_else(columns, header, sample)
        left_out = {name: columns.mapped[name] for name in [*contradicted, *other_day] if name not in mapping}
        columns = dataset.columns_of(header, {**mapping, **dict.fromkeys(left_out, "")})
        contradicted = []
    names = {normalised(name) for name in header}
    signature, others = (set(map(normalised, known)) for known in (dataset.signature_columns, dataset.other_columns))
    found = len(columns.mapped) + len(names & signature)
    generic = {name for name in header if normalised(name) in dataset.generic_names and name not in mapping}
    agreeing = max(found - len(generic & columns.mapped.keys()) - len(signature - names) - 2 * len(contradicted), 0)
    alike = agreeing + (0 if dataset.is_general else len(names & others))
    of_header = min(alike / max(len(header) - len(generic), 1), 1) if agreeing else 0.0
    of_dataset = agreeing / (len(dataset.column_names) + len(signature))
    closeness = (1 + _BETA) * of_header * of_dataset / (_BETA * of_header + of_dataset) if agreeing else 0.0
    if dataset.is_general:
        closeness *= _GENERAL  # it says less about the file than a dataset that is made for such files
        known = found + len(names & others)
        is_alike = of_header >= _LEAST_SHARE_OF_GENERAL and known >= min(_LEAST_COLUMNS, len(header))
        # a client that says what the title is has a table of films
        has_enough = is_alike or any(name in dataset.required_names for name in mapping.values())
    elif dataset.declaration is not None and not columns.extra:
        has_enough = agreeing > 0
    elif dataset.table.name != MOVIES.name:
        has_enough = of_header >= _LEAST_SHARE_OF_OTHER_TABLE and found >= _LEAST_COLUMNS
    else:
        is_alike = of_header >= _LEAST_SHARE_OF_HEADER or of_dataset >= _LEAST_SHARE_OF_DATASET
        has_enough = is_alike and found >= _LEAST_COLUMNS
    return Candidate(dataset, columns, lacks, contradicted, closeness, has_enough, of_dataset, left_out)


def _days_of_something_else(columns: FileColumns, header: Sequence[str], sample: Sample) -> list[str]:
    """The column of release days, if its years are mostly not those of the column of years: days of a list, say."""
    sources = columns.sources
    if not sample or not {"release_date", "year"} <= sources.keys():
        return []
    day, year = header.index(sources["release_date"]), header.index(sources["year"])
    pairs = [(row[day], row[year]) for row in sample[:_JUDGED_RECORDS]]
    known = [(day, year) for day, year in pairs if _YEAR_IN_DAY.search(day) and _YEAR_IN_DAY.fullmatch(year)]
    others = sum(year not in _YEAR_IN_DAY.findall(day) for day, year in known)
    return [sources["release_date"]] if others > _MOST_FAILURES * len(known) else []


def is_filled(dataset: Dataset, header: Sequence[str], rows: Sample) -> bool:
    """Whether most of the cells are values of their columns, and not null: otherwise almost anything would fit."""
    positions = {name: position for position, name in enumerate(header)}
    return all(
        sum(_is_value(column, row[positions[column.name]], dataset.nulls) for row in rows) >= _MOST_FAILURES * len(rows)
        for column in dataset.columns
    )


def _contradicted(dataset: Dataset, header: Sequence[str], columns: FileColumns, sample: Sample) -> list[str]:
    """Names in the header whose values are mostly no values of the dataset's column."""
    positions = {name: position for position, name in enumerate(header)}
    sources = columns.sources
    found = []
    for column in dataset.columns:
        name = sources.get(column.name)
        if name is not None and name not in found:
            cells = [row[positions[name]] for row in sample[:_JUDGED_RECORDS]]
            values = [cell for cell in cells if cell and cell not in dataset.nulls]
            if isinstance(column.rule, IsoDate):  # dates may be written in another format
                failures = sum(not candidate_formats([value]) for value in values) if dataset.is_general else 0
            else:
                failures = sum(not _parses(column, value) for value in values)
            if failures > _MOST_FAILURES * len(values):
                found.append(name)
    return found


def _is_value(column: Column, cell: str, nulls: Sequence[str]) -> bool:
    if cell in nulls:
        return False
    if isinstance(column.rule, IsoDate):  # dates may be written in another format
        return bool(cell.strip())
    try:
        return column.rule.parse(cell) is not None
    except ValueError:
        return False


def _parses(column: Column, value: str) -> bool:
    try:
        parsed = column.rule.parse(value)
    except ValueError:
        return False
    ranges = (check for check in column.checks if isinstance(check, Between))
    return parsed is None or all(check.low <= parsed <= (check.high or parsed) for check in ranges)


def _exact(candidate: Candidate) -> int:
    """How many names of the header are spelled exactly as the dataset's."""
    return sum(name == column for name, column in candidate.columns.mapped.items())


def _mismatch(nearest: Sequence[Candidate], header: Sequence[str]) -> HeaderMismatch:
    first, shown = nearest[0], _shown(nearest, header)
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


def _first(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(items)[:_SHOWN_NAMES]


def unique_names(header: Sequence[str]) -> list[str]:
    """The header's names, each once: a column without a name is called by its position, a repeated name is numbered."""
    names: list[str] = []
    taken = {normalised(name) for name in header if normalised(name)}
    seen = Counter[str]()
    for position, name in enumerate(header, 1):
        key = normalised(name)
        seen[key] += 1
        if key and seen[key] == 1:
            names.append(name)
            continue
        stem, number = (name, seen[key]) if key else ("column", position)
        while normalised(f"{stem}_{number}") in taken:
            number += 1
        taken.add(normalised(f"{stem}_{number}"))
        names.append(f"{stem}_{number}")
    return names
