"""Whether the cells of a file look like values of a dataset's columns."""

import re
from collections.abc import Sequence
from typing import Final

from shared.catalog.checks import Between
from shared.catalog.dataset import Column, Dataset, FileColumns
from shared.catalog.rules.basic_rules import IsoDate
from shared.catalog.rules.formatted_rules import candidate_formats
from shared.catalog.sample import Sample

_MOST_FAILURES: Final = 0.5
_JUDGED_RECORDS: Final = 60
# Fewer ratings show nothing of their scale; people give up to five stars.
_LEAST_RATINGS: Final = 3
_MOST_STARS: Final = 5.0
_PLAIN_NUMBER: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_TELLS_SCALE: Final = re.compile("imdb|tmdb|trakt|10", re.ASCII | re.IGNORECASE)
_YEAR_IN_DAY: Final = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)


def is_filled(dataset: Dataset, header: Sequence[str], rows: Sample) -> bool:
    """Whether most of the cells are values of their columns, and not null: otherwise almost anything would fit."""
    positions = {name: position for position, name in enumerate(header)}
    return all(
        sum(_is_value(column, row[positions[column.name]], dataset.nulls) for row in rows) >= _MOST_FAILURES * len(rows)
        for column in dataset.columns
    )


def contradicted_names(dataset: Dataset, header: Sequence[str], columns: FileColumns, sample: Sample) -> list[str]:
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
                failures = sum(not parses(column, value) for value in values)
            if failures > _MOST_FAILURES * len(values):
                found.append(name)
    return found


def days_of_something_else(columns: FileColumns, header: Sequence[str], sample: Sample) -> list[str]:
    """The column of release days, if its years are mostly not those of the column of years: days of a list, say."""
    sources = columns.sources
    if not sample or not {"release_date", "year"} <= sources.keys():
        return []
    day, year = header.index(sources["release_date"]), header.index(sources["year"])
    pairs = [(row[day], row[year]) for row in sample[:_JUDGED_RECORDS]]
    known = [(day, year) for day, year in pairs if _YEAR_IN_DAY.search(day) and _YEAR_IN_DAY.fullmatch(year)]
    others = sum(year not in _YEAR_IN_DAY.findall(day) for day, year in known)
    return [sources["release_date"]] if others > _MOST_FAILURES * len(known) else []


def years_of_release(dataset: Dataset, columns: FileColumns, header: Sequence[str], sample: Sample) -> list[str]:
    """The column of release days, if it has years in their place, and no other column has these."""
    sources = columns.sources
    if not sample or "release_date" not in sources or "year" in sources:
        return []
    [column] = [column for column in dataset.columns if column.field == "release_year"]
    position = header.index(sources["release_date"])
    cells = [row[position] for row in sample[:_JUDGED_RECORDS]]
    values = [cell for cell in cells if cell and cell not in dataset.nulls]
    failures = sum(not parses(column, value) for value in values)
    return [sources["release_date"]] if values and failures <= _MOST_FAILURES * len(values) else []


def small_ratings(columns: FileColumns, header: Sequence[str], sample: Sample) -> list[str]:
    """The column of ratings from 0 to 10, if none of the first is above 5: they may be stars."""
    name = columns.sources.get("vote_average")
    if name is None or _TELLS_SCALE.search(name):
        return []
    position = header.index(name)
    ratings = [float(cell) for row in sample if _PLAIN_NUMBER.fullmatch(cell := row[position].strip())]
    return [name] if len(ratings) >= _LEAST_RATINGS and max(ratings) <= _MOST_STARS else []


def parses(column: Column, value: str) -> bool:
    """Whether it is a value of the column, and within the range of its checks."""
    try:
        parsed = column.rule.parse(value)
    except ValueError:
        return False
    ranges = (check for check in column.checks if isinstance(check, Between))
    return parsed is None or all(check.low <= parsed <= (check.high or parsed) for check in ranges)


def _is_value(column: Column, cell: str, nulls: Sequence[str]) -> bool:
    if cell in nulls:
        return False
    if isinstance(column.rule, IsoDate):  # dates may be written in another format
        return bool(cell.strip())
    try:
        return column.rule.parse(cell) is not None
    except ValueError:
        return False
