"""One record as the file that a client might have sent: a header and a line. Nothing is stored here."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from shared.advice.hints import Advisor
from shared.catalog.dataset import Column, Dataset, FileColumns
from shared.catalog.hand_made import cell_of, shown_value
from shared.csv.dialect import Dialect
from shared.csv.reading.read import MESSAGES, read_batch
from shared.csv.reading.records import shown
from shared.csv.reading.text_checks import text_fault
from shared.database.models.collections import Collection
from shared.errors import InvalidRecord
from shared.ingest.manual.edit import FIRST_LINE
from shared.ingest.validation.validate import Validated, validate
from shared.ingest.work import Destination

_REQUIRED: Final = ("required", "must not be empty")
DIALECT: Final = Dialect(delimiter=",", quoting=True)


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """The file, and its record as a row, which lacks its id, its tenant and its collection."""

    header: list[str]
    columns: FileColumns
    content: bytes
    header_bytes: int
    row: pa.Table


def header_of(dataset: Dataset, extra: Mapping[str, str]) -> tuple[list[str], FileColumns]:
    """A column for each of the dataset, and one for each text beside them, which keeps its name."""
    named: dict[str, str] = {}
    for name in dataset.column_names:
        free = name
        while free in extra or free in named:
            free = f"{free}_"
        named[free] = name
    return [*named, *extra], FileColumns(mapped=named, missing=[], extra=list(extra))


def write(dataset: Dataset, values: Mapping[str, Any], extra: Mapping[str, str]) -> WrittenRecord:
    """Write a record of the dataset and read it as a loader does; raises `InvalidRecord`.

    `dataset`: see `shared.catalog.hand_made`. `values`: by the names of fields, as JSON has them.
    """
    header, columns = header_of(dataset, extra)
    cells, wrong = _cells(dataset, values)
    if wrong:
        raise _invalid(wrong)
    first = lines([header])
    record = lines([[*(cells[columns.mapped[name]] for name in columns.mapped), *extra.values()]])
    validated = _read(dataset, header, columns, record)
    if not validated.read:  # the reader leaves records out that hold nothing
        needed = (column for column in dataset.columns if not column.is_nullable)
        raise _invalid([_problem(dataset, column, *_REQUIRED, None) for column in needed])
    if validated.rejected:
        raise _invalid(list(_rejects(dataset, columns, validated)))
    return WrittenRecord(header, columns, first + record, len(first), validated.rows)


def lines(rows: list[list[str]]) -> bytes:
    """The lines of a file in the dialect of these files."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return written.getvalue().encode()


def _cells(dataset: Dataset, values: Mapping[str, Any]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The cell of each column, and what is wrong with values that are none of their columns."""
    cells: dict[str, str] = {}
    wrong: list[dict[str, Any]] = []
    for column in dataset.columns:
        value = values.get(column.field)
        try:
            cells[column.name] = "" if value is None else cell_of(column, value)
        except ValueError as error:
            wrong.append(_problem(dataset, column, column.rule.code, str(error), shown_value(value)))
            continue
        fault = text_fault(cells[column.name].encode(errors="surrogatepass"))
        if fault is not None:
            wrong.append(_problem(dataset, column, fault, MESSAGES[fault], shown_value(value)))
    return cells, wrong


def _read(dataset: Dataset, header: list[str], columns: FileColumns, record: bytes) -> Validated:
    records = read_batch(record, FIRST_LINE, DIALECT, header)
    nowhere = Collection(number=0, tenant="", dataset=dataset.name, table_name=dataset.table.name, branch="")
    destination = Destination(dataset.table, nowhere, copy_to="", first_id=0, leaf="")
    return validate(records, dataset, columns, destination, upload_number=0)


def _rejects(dataset: Dataset, columns: FileColumns, validated: Validated) -> Iterator[dict[str, Any]]:
    by_name = {column.name: column for column in dataset.columns}
    for reject in validated.rejects.to_pylist():
        column = by_name.get(columns.mapped.get(reject["column_name"], ""))
        message = reject["message"]
        if column is not None:
            message = message.removeprefix(f"{column.name} ")
        yield _problem(dataset, column, reject["code"], message, reject["value"])


def _problem(dataset: Dataset, column: Column | None, code: str, message: str, value: str | None) -> dict[str, Any]:
    name = None if column is None else column.name
    text = None if value is None else shown(value.encode(errors="replace").decode())
    hint = Advisor(dataset.columns).hint(code, name, text)
    location = "body" if column is None else f"body.{column.field}"
    return {"location": location, "message": message, "code": code, "hint": hint}


def _invalid(found: list[dict[str, Any]]) -> InvalidRecord:
    detail = "; ".join(f"{problem['location']}: {problem['message']}" for problem in found)
    return InvalidRecord(detail, {"errors": found})
