"""Turns text into typed rows: parses every cell, checks every row with pandera, keeps the reason for each failure.

Parsing comes first. With `coerce=True` in pandera, one unparsable cell would fail its whole column without naming the
row, and would hide all other invalid rows of the column.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.api.base.checks import CheckResult

from shared.catalog.checks import Check, NotBefore
from shared.catalog.dataset import Column, Dataset, FileColumns
from shared.catalog.pandera_schemas import schema_of
from shared.catalog.rules.formatted_rules import Formatted
from shared.catalog.table import Table
from shared.csv.excel import excel_text, is_excel_error
from shared.csv.file_warnings import MESSAGES, FileWarning
from shared.csv.reading.records import LONGEST_VALUE_CHARACTERS, Locations, Records, reasons, shown
from shared.database.arrow_schemas import JSONB_VERSION, REJECTS, arrow_schema
from shared.ingest.validation.long_values import CODE, MESSAGE, rows_with_long_values
from shared.ingest.work import Destination

_REQUIRED = ("required", "must not be empty")
_NUMBERS = (pa.int64(), pa.float64())
_DECIMAL_COMMA = r"^[+-]?\d+,(?:\d{1,2}|\d{4,})\D*$"
_ONE_GROUP = r"^\D*[1-9]\d{0,2},\d{3}\D*$"
_UNCLEAR_COMMA = "must be clear: other numbers of the file have decimal commas, so its comma may be one, too"
_NULL_WORDS = pa.array(["\\N", "NULL", "null", "NaN", "nan", "None", "N/A", "#N/A", "NA", "<NA>", "nil"])


@dataclass(frozen=True, slots=True)
class Validated:
    """`rows` and `rejects` in the form of their tables; `read` = `rows` + `rejected` records.

    `warnings`: what to know about the rows.
    """

    rows: pa.Table
    rejects: pa.Table
    read: int
    warnings: list[FileWarning] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """How many records are not loaded."""
        return self.read - int(self.rows.num_rows)


@dataclass(frozen=True, slots=True)
class _Failure:
    """One reason against some rows; `rows` are their positions in the batch, in order."""

    rows: np.ndarray
    column: Column
    code: str
    message: str


def validate(
    records: Records,
    dataset: Dataset,
    columns: FileColumns,
    destination: Destination,
    upload_number: int,
    ids: np.ndarray | None = None,
) -> Validated:
    """The rows that can be loaded, and a reject for each reason against the others.

    `dataset` has only columns that the file has, see `Dataset.for_file`.
    `ids` are those of the rows of `records.table`; by default they follow from the upload and the line.
    """
    if ids is None:
        ids = records.line_numbers + destination.first_id
    names = columns.sources
    texts = {name: _column(records.table, named) for name, named in names.items()}
    fields, unparsed = _parse(dataset, texts)
    unparsed += _unclear_commas(dataset, texts)
    failures = _without_repetitions([*unparsed, *_check(dataset, fields, unparsed)])
    good = np.ones(len(records.numbers), dtype=bool)
    for failure in failures:
        good[failure.rows] = False
    fields |= dataset.derive(fields)
    fields |= destination.table.derive(fields)
    fields["id"] = pa.array(ids)
    fields["collection"] = pa.repeat(pa.scalar(destination.collection.number, pa.int32()), len(good))
    fields["tenant"] = pa.repeat(pa.scalar(destination.collection.tenant), len(good))
    fields["extra"] = _extra(records.table.select(columns.extra))
    rows = _as_table(destination.table, fields, None if good.all() else pa.array(good))
    found = [
        reasons(
            records.numbers[failure.rows],
            names[failure.column.name],
            failure.code,
            f"{failure.column.name} {failure.message}",
            shown_values(texts[failure.column.name].take(pa.array(failure.rows))),
        )
        for failure in failures
    ]
    rejects = _rejects(pa.concat_tables([records.reasons, *found]), records.locations, upload_number)
    loaded = dataset, texts, good, records.line_numbers
    warnings = [*records.warnings, *_null_words(*loaded), *_excel_cells(*loaded)]
    return Validated(rows, rejects, records.read, warnings)


def _null_words(
    dataset: Dataset, texts: dict[str, pa.StringArray], good: np.ndarray, lines: np.ndarray
) -> Iterator[FileWarning]:
    """Of words in columns of text and of lists that mean null in many files, and are text in this one."""
    kinds = (pa.string(), pa.list_(pa.string()))
    for name in dict.fromkeys(column.name for column in dataset.columns if column.rule.type in kinds):
        found = pc.fill_null(pc.is_in(texts[name], _NULL_WORDS), False).to_numpy(zero_copy_only=False) & good
        if found.any():
            words = sorted(set(texts[name].filter(pa.array(found)).to_pylist()))
            schema = json.dumps({"missingValues": [*dataset.nulls, *words]})
            message = MESSAGES["null_words"].format(column=name, words=" and ".join(words), schema=schema)
            yield FileWarning.at_lines("null_words", lines[found].tolist(), message)


def _excel_cells(
    dataset: Dataset, texts: dict[str, pa.StringArray], good: np.ndarray, lines: np.ndarray
) -> Iterator[FileWarning]:
    """Of cells in columns of text that Excel would show as another text, or could not compute."""
    for name in dict.fromkeys(column.name for column in dataset.columns if column.rule.type == pa.string()):
        likely = pc.or_(pc.starts_with(texts[name], '="'), pc.starts_with(texts[name], "#"))
        likely = np.flatnonzero(pc.fill_null(likely, False).to_numpy(zero_copy_only=False) & good)
        cells = texts[name].take(pa.array(likely)).to_pylist()
        found = [row for row, cell in zip(likely, cells, strict=True) if excel_text(cell) or is_excel_error(cell)]
        if found:
            message = MESSAGES["excel_cells"].format(column=name)
            yield FileWarning.at_lines("excel_cells", lines[found].tolist(), message)


def _column(table: pa.Table, name: str) -> pa.StringArray:
    chunked = table.column(name)
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


def _parse(dataset: Dataset, texts: dict[str, pa.StringArray]) -> tuple[dict[str, pa.Array], list[_Failure]]:
    fields: dict[str, pa.Array] = {}
    failures: list[_Failure] = []
    for column in dataset.columns:
        fields[column.field], failed = column.rule.convert(texts[column.name])
        if len(failed):
            failures.append(_Failure(np.array(failed), column, column.rule.code, column.rule.message))
        if column.field in dataset.table.short_fields:
            long = rows_with_long_values(fields[column.field])
            failures += [_Failure(long, column, CODE, MESSAGE)] if len(long) else []
    return fields, failures


def _unclear_commas(dataset: Dataset, texts: dict[str, pa.StringArray]) -> Iterator[_Failure]:
    """Whole numbers with one comma (`1,234`) in a batch whose other numbers have decimal commas (`7,5`)."""
    columns = [
        column
        for column in dataset.columns
        if column.rule.type in _NUMBERS
        and not isinstance(column.rule, Formatted)
        and pc.any(pc.match_substring(texts[column.name], ",")).as_py()
    ]
    if not any(pc.any(pc.match_substring_regex(texts[column.name], _DECIMAL_COMMA)).as_py() for column in columns):
        return
    for column in columns:
        unclear = pc.fill_null(pc.match_substring_regex(texts[column.name], _ONE_GROUP), False)
        rows = np.flatnonzero(unclear.to_numpy(zero_copy_only=False))
        yield _Failure(rows, column, column.rule.code, _UNCLEAR_COMMA)


def _without_repetitions(failures: list[_Failure]) -> list[_Failure]:
    """The failures without those that repeat an earlier one for the same cell.

    Two fields read from one cell may fail for the same reason.
    """
    earlier: dict[tuple[str, str], np.ndarray] = {}
    once = []
    for failure in failures:
        reason = failure.column.name, failure.code
        before = earlier.get(reason, np.zeros(0, dtype=np.int64))
        once.append(replace(failure, rows=np.setdiff1d(failure.rows, before)))
        earlier[reason] = np.union1d(before, failure.rows)
    return once


def _check(dataset: Dataset, fields: dict[str, pa.Array], unparsed: list[_Failure]) -> list[_Failure]:
    """What the checks of pandera find; a cell that did not parse is null here and already has its reason.

    The checks run one by one: `schema.validate(lazy=True)` finds the same, but takes several times as long because of
    its reports.
    """
    columns, schema_of_all = {column.field: column for column in dataset.columns}, schema_of(dataset)
    series = {name: _series(fields[name]) for name in schema_of_all.columns}
    failures: list[_Failure] = []
    for name, schema in schema_of_all.columns.items():
        if not schema.nullable and series[name].hasnans:
            failures.append(_Failure(np.flatnonzero(series[name].isna()), columns[name], *_REQUIRED))
        for declared, check in zip(columns[name].checks, schema.checks, strict=True):
            failures += _failing(check(series[name]), columns[name], declared)
    for row_check, check in zip(dataset.row_checks, schema_of_all.checks, strict=True):
        failures += _failing(check(pd.DataFrame(series)), columns[row_check.field], row_check)
    known = {failure.column.field: failure.rows for failure in unparsed}
    return [
        replace(failure, rows=np.setdiff1d(failure.rows, known.get(failure.column.field, ()))) for failure in failures
    ]


def _failing(result: CheckResult, column: Column, check: Check | NotBefore) -> list[_Failure]:
    if result.check_passed:
        return []
    passed = result.check_output  # without nulls
    return [_Failure(passed.index[~passed.astype(bool)].to_numpy(), column, check.code, check.message)]


def _series(values: pa.Array) -> "pd.Series[Any]":
    """Numbers as float64 (null is NaN), dates as datetime64[s] (null is NaT), text as pandas' own str."""
    if pa.types.is_date32(values.type):
        return pd.Series(values.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(values.type):
        return pd.Series(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    if pa.types.is_floating(values.type):
        return pd.Series(values.to_numpy(zero_copy_only=False))
    return pd.Series(values.to_pandas())


def _extra(unknown: pa.Table) -> pa.Array:
    """The columns that no field holds completely, as one JSON object per row; null where all are empty."""
    if not unknown.num_columns:
        return pa.nulls(unknown.num_rows, pa.string())
    rows = ({name: value for name, value in row.items() if value is not None} for row in unknown.to_pylist())
    return pa.array((JSONB_VERSION + json.dumps(row, ensure_ascii=False) if row else None for row in rows), pa.string())


def _as_table(table: Table, fields: dict[str, pa.Array], good: pa.BooleanArray | None) -> pa.Table:
    """The valid rows. They are cast to narrow types only after the selection, because a rejected value may not fit."""
    if good is not None:
        fields = {name: values.filter(good) for name, values in fields.items()}
    schema, rows = arrow_schema(table), len(fields["id"])
    arrays = [
        fields[field.name].cast(field.type) if field.name in fields else pa.nulls(rows, field.type) for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def shown_values(values: pa.StringArray) -> pa.StringArray:
    """Values as a reject shows them: long ones are cut."""
    if (pc.max(pc.binary_length(values)).as_py() or 0) <= LONGEST_VALUE_CHARACTERS:
        return values
    return pa.array([None if value is None else shown(value) for value in values.to_pylist()], pa.string())


def _rejects(found: pa.Table, locations: Locations, upload_number: int) -> pa.Table:
    """The reasons in the order of lines, numbered from 0 within each line."""
    records = found["record"].to_numpy()
    order = np.argsort(records, kind="stable")
    records, found = records[order], found.take(pa.array(order))
    begins = np.flatnonzero(np.diff(records, prepend=-1))
    positions = np.arange(len(records)) - np.repeat(begins, np.diff(begins, append=len(records)))
    columns = {
        "upload_number": pa.repeat(pa.scalar(upload_number, pa.int64()), len(records)),
        "line_number": pa.array(locations.line_numbers[records], pa.int64()),
        "position": pa.array(positions, pa.int16()),
        "column_name": found["column"],
        "code": found["code"],
        "message": found["message"],
        "value": found["value"],
        "byte_start": pa.array(locations.byte_starts[records], pa.int64()),
        "byte_end": pa.array(locations.byte_ends[records], pa.int64()),
    }
    return pa.table([columns[field.name] for field in REJECTS], schema=REJECTS)
