"""Records that repeat the key of an earlier record of their upload: the first one is loaded, the others are listed.

A small upload is one batch, in which they are found before its rows are written. Those of a large upload are in any of
its batches, and hardly ever there: building the unique index of its leaf finds out whether there are any.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from shared.catalog.table import Table
from shared.database.loader_connection import LoaderConnection
from shared.database.record_ids import end_of
from shared.database.row_tables import history_name, sql_type
from shared.database.state_machine import Connection
from shared.ingest.versions import totals
from shared.ingest.work import Destination, Work

_INSERT: Final = """
INSERT INTO duplicates (upload_number, line_number, first_line)
SELECT %(upload)s, line_number, first_line
FROM unnest(%(lines)s::bigint[], %(first_lines)s::bigint[]) AS found (line_number, first_line)
"""

# Each batch counts its own duplicates, so that its record counts stay the truth about it.
_REMOVE: Final = """
WITH ranked AS (
    SELECT id, min(id) OVER (PARTITION BY {key}) AS first FROM {leaf} WHERE {has_key}
), gone AS (
    DELETE FROM {leaf} AS leaf USING ranked WHERE leaf.id = ranked.id AND ranked.id <> ranked.first
    RETURNING leaf.id - {first_id} AS line_number, ranked.first - {first_id} AS first_line
), listed AS (
    INSERT INTO duplicates (upload_number, line_number, first_line) SELECT {upload}, line_number, first_line FROM gone
)
UPDATE batches
SET loaded_records = loaded_records - counted.records, duplicate_records = duplicate_records + counted.records
FROM (
    SELECT number, count(*) AS records FROM gone JOIN batches
        ON upload_number = {upload} AND gone.line_number >= batches.first_line
        AND gone.line_number < batches.first_line + batches.line_feeds
    GROUP BY number
) AS counted
WHERE batches.upload_number = {upload} AND batches.number = counted.number
"""

_FORGET: Final = "DELETE FROM duplicates WHERE upload_number = %(upload)s"


def first_of_each_key(table: Table, rows: pa.Table, first_id: int) -> tuple[pa.Table, dict[str, list[int]]]:
    """The rows without those that repeat a key, and of these the `lines` and the `first_lines` of their keys.

    Rows must be in the order of their ids. A row without a value in any part of its key repeats nothing.
    """
    keys = rows.select(table.key)
    if not table.key or keys.group_by(list(table.key)).aggregate([]).num_rows == rows.num_rows:
        return rows, {"lines": [], "first_lines": []}
    has_key = np.ones(rows.num_rows, dtype=bool)
    for column in keys.columns:
        has_key &= column.is_valid().to_numpy()
    frame = keys.filter(pa.array(has_key)).append_column("id", rows["id"].filter(pa.array(has_key))).to_pandas()
    firsts = frame.groupby(list(table.key), sort=False)["id"].transform("first")
    repeated = frame["id"] != firsts
    gone = frame["id"][repeated].to_numpy()
    kept = rows.filter(pa.array(~np.isin(rows["id"].to_numpy(), gone)))
    return kept, {"lines": (gone - first_id).tolist(), "first_lines": (firsts[repeated] - first_id).tolist()}


def stored_keys(connection: Connection, destination: Destination, rows: pa.Table) -> pa.Table:
    """Those keys of the rows that rows of the same range of ids already have, visible or superseded by upserts."""
    table, first_id = destination.table, destination.first_id
    given = ", ".join(f"%({name})s::{sql_type(table, name)}[]" for name in table.key)
    key = ", ".join(table.key)
    is_alike = f"id >= {first_id} AND id < {end_of(first_id)} AND ({key}) IN (SELECT * FROM unnest({given}))"
    statements = [
        f"SELECT {key} FROM {source} WHERE collection = {destination.collection.number} AND {is_alike}"
        for source in (destination.copy_to, history_name(table.name))
    ]
    values = {name: rows[name].to_pylist() for name in table.key}
    found = connection.execute(" UNION ".join(statements), **values)
    types = {name: rows.schema.field(name).type for name in table.key}
    columns = zip(*found, strict=True) if found else ([] for _ in table.key)
    return pa.table({name: pa.array(column, types[name]) for name, column in zip(table.key, columns, strict=True)})


def list_duplicates(connection: Connection, number: int, found: dict[str, list[int]]) -> None:
    """Store what `first_of_each_key` found."""
    if found["lines"]:
        connection.execute(_INSERT, upload=number, **found)


def remove_duplicates(connection: LoaderConnection, work: Work) -> None:
    """Remove the rows of a large upload's leaf that repeat a key, list and count them; it can be repeated."""
    table, leaf = work.destination.table, work.destination.copy_to
    statement = _REMOVE.format(
        leaf=leaf,
        key=", ".join(table.key),
        has_key=" AND ".join(f"{name} IS NOT NULL" for name in table.key),
        first_id=work.destination.first_id,
        upload=work.number,
    )
    with connection.transaction():
        connection.execute(statement)
        totals.forget(connection, work.number)  # they may have counted the rows that are gone


def forget_duplicates(connection: Connection, number: int) -> None:
    """Delete the list of an upload's duplicates."""
    connection.execute(_FORGET, upload=number)
