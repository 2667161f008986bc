"""Makes a CSV file of each of Pagila's tables, out of its public dump (pg_dump as text, with COPY blocks).

The dump is read twice: for the categories, which stand behind the films, and for everything else. Rows are in the order
of the dump, so the same dump makes the same bytes.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from cli.seeding.copy_blocks import CopyBlock, DumpError, copy_blocks
from cli.seeding.literals import bounds_of_range, items_of_array, words_of_tsvector
from cli.seeding.pagila_tables import LIST_DELIMITER, NULL, TABLES, PagilaTable, table_named

# Without these it is no dump of Pagila.
_REQUIRED: Final = ("film", "category", "film_category")
# PostgreSQL leaves the minutes of a zone out if there are none.
_SHORT_ZONE: Final = re.compile(r"[+-]\d\d$")
_RENTAL_PERIOD: Final = "rental_period"
# Of the type char(20), whose blanks at the end mean nothing.
_PADDED: Final = ("language", "name")

Record = dict[str, str | None]
# id -> name
Categories = dict[str | None, str | None]


@dataclass(frozen=True)
class TableFile:
    """A table as a CSV file. `records`: 0 if the dump has no row of it."""

    table: PagilaTable
    path: Path
    records: int


def convert(dump: Path, directory: Path) -> list[TableFile]:
    """Write the files of all tables that the dump has; raises `DumpError`, and `OSError` if files cannot be used."""
    with dump.open("rb") as file:
        categories = _categories(file)
    with dump.open("rb") as file, ExitStack() as stack:
        return _write(file, directory, categories, stack)


def _categories(dump: BinaryIO) -> Categories:
    """The id of each film -> the name of its first category."""
    names: Categories = {}
    pairs: list[tuple[str | None, str | None]] = []
    for block in copy_blocks(dump):
        for record in _records(block) if block.table in ("category", "film_category") else ():
            if block.table == "category":
                names[record.get("category_id")] = record.get("name")
            else:
                pairs.append((record.get("film_id"), record.get("category_id")))
    first: Categories = {}
    for film, category in pairs:
        first.setdefault(film, names.get(category))
    return first


def _write(dump: BinaryIO, directory: Path, categories: Categories, stack: ExitStack) -> list[TableFile]:
    writers: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for block in copy_blocks(dump):
        table = table_named(block.table)
        if table is None:
            continue
        if table.name not in writers:
            output = stack.enter_context(_path(directory, table).open("w", encoding="utf-8", newline=""))
            writers[table.name] = csv.writer(output, lineterminator="\n")
            writers[table.name].writerow(table.fields)
            counts[table.name] = 0
        for record in _records(block):
            if table.name == "film":
                record["category"] = categories.get(record.get("film_id"))
            writers[table.name].writerow(_cells(table, record))
            counts[table.name] += 1
    missing = [name for name in _REQUIRED if name not in counts]
    if missing:
        raise DumpError(f"this is no dump of Pagila with its data: it has no COPY block of {', '.join(missing)}")
    return [TableFile(table, _path(directory, table), counts[table.name]) for table in TABLES if table.name in counts]


def _path(directory: Path, table: PagilaTable) -> Path:
    return directory / f"{table.dataset}.csv"


def _records(block: CopyBlock) -> Iterator[Record]:
    for row in block.rows:
        yield dict(zip(block.columns, row, strict=True))


def _cells(table: PagilaTable, record: Record) -> list[str]:
    if record.get(_RENTAL_PERIOD) is not None:
        lower, upper = _parsed(table, _RENTAL_PERIOD, str(record[_RENTAL_PERIOD]), bounds_of_range)
        record = record | {"rental_date": lower, "return_date": upper}
    return [_cell(table, name, kind, record.get(name)) for name, kind in table.fields.items()]


def _cell(table: PagilaTable, name: str, kind: str | Mapping[str, Any], value: str | None) -> str:
    if value is None:
        return NULL
    if kind == "datetime":
        return value + ":00" if _SHORT_ZONE.search(value[10:]) else value
    if not isinstance(kind, str) and kind["type"] == "list":
        parse = words_of_tsvector if name == "fulltext" else items_of_array
        items = _parsed(table, name, value, parse)
        if any(LIST_DELIMITER in item for item in items):
            raise DumpError(f"{table.name}.{name} has an item with {LIST_DELIMITER}, which divides its items")
        return LIST_DELIMITER.join(items) or NULL
    if value == NULL:
        raise DumpError(f"{table.name}.{name} has the text {NULL}, which means null")
    return value.rstrip(" ") if (table.name, name) == _PADDED else value


def _parsed(table: PagilaTable, name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise DumpError(f"{table.name}.{name} cannot be read: {error}: {text[:100]!r}") from error
