"""Loads corrected records into the upload that rejected them: fewer of its records are rejected, more are loaded.

    outside a transaction   read, find out which line of the corrected upload each record is, parse and check it
    inside of one           lock the corrected upload; reject records that it did not reject; write rows, totals,
                            the record counts of both uploads and the history of both

The lock of the corrected upload's row decides between two corrections of the same lines, and between a correction and
an undo.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.catalog.dataset import Dataset
from shared.catalog.rules.basic_rules import Whole
from shared.csv.reading.records import Locations, Records, reasons
from shared.database import state_machine
from shared.database.arrow_schemas import REJECTS
from shared.database.loader_connection import LoaderConnection
from shared.database.models.collections import Change
from shared.database.record_ids import LARGE_LINES
from shared.errors import CorrectedUploadEnded
from shared.failpoints import reach
from shared.ingest.corrections.rejects_spreadsheet import own_columns
from shared.ingest.publishing.completion import complete
from shared.ingest.publishing.duplicates import first_of_each_key, stored_keys
from shared.ingest.rejects_columns import LINE_COLUMN, SHEET_LINE_COLUMN
from shared.ingest.validation.validate import Validated, shown_values, validate
from shared.ingest.versions import totals, upserting
from shared.ingest.versions.collection_versions import next_version
from shared.ingest.versions.row_changes import rows_with
from shared.ingest.versions.touched import touch
from shared.ingest.work import Work, record_event

_LAST_LINE: Final = LARGE_LINES - 1

MESSAGES: Final = {
    "not_a_reject": f"{LINE_COLUMN} must be the line of a record that the upload rejected and has not loaded since",
    "duplicate_key": "another record of the upload, or of this file, has the same key",
    "repeated_line": f"an earlier record of this file has the same {LINE_COLUMN}",
}

# Deleting finds out which lines are still rejected: retention removes old rejects without locking their upload.
_TAKE_REJECTS: Final = """
WITH taken AS (
    DELETE FROM rejects WHERE upload_number = %(corrects)s AND line_number = ANY(%(lines)s::bigint[])
    RETURNING line_number, position, code
)
SELECT line_number, code FROM taken WHERE position = 0
"""

_STILL_REJECTED: Final = """
SELECT line_number FROM rejects
WHERE upload_number = %(corrects)s AND position = 0 AND line_number = ANY(%(lines)s::bigint[])
"""

_SUCCESSOR: Final = """
SELECT (SELECT id FROM uploads AS successor WHERE successor.number = uploads.superseded_by)
FROM uploads WHERE number = %(corrects)s
"""

_CHANGE_RECORD_COUNTS: Final = """
UPDATE uploads
SET loaded_records = loaded_records + %(corrected)s, rejected_records = rejected_records - %(corrected)s,
    new_records = new_records + %(corrected)s, current_records = current_records + %(corrected)s,
    rows_version = %(version)s
WHERE number = %(corrects)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected(Validated):
    """A validated correction.

    `lines`: the lines in the corrected upload that the records name, in order; `locations`: where these records are in
    this file. `codes`: the first reasons for which those that are valid now were rejected.
    """

    lines: np.ndarray
    locations: Locations
    codes: tuple[str, ...] = ()


def validate_corrected(records: Records, work: Work, dataset: Dataset) -> Corrected:
    """Like `validate`, but the rows get ids of the corrected upload, by the lines that they name."""
    records, lines = _take_lines(records)
    ids = lines + work.destination.first_id
    validated = validate(records, dataset, work.file_columns, work.destination, work.number, ids)
    locations, numbers = records.locations, records.numbers
    named = Locations(locations.line_numbers[numbers], locations.byte_starts[numbers], locations.byte_ends[numbers])
    return Corrected(
        validated.rows, validated.rejects, validated.read, validated.warnings, lines=lines, locations=named
    )


def _take_lines(records: Records) -> tuple[Records, np.ndarray]:
    """The records that name a line, and these lines; the other records get a reason.

    A line counts only once.
    """
    name = SHEET_LINE_COLUMN if SHEET_LINE_COLUMN in records.table.column_names else LINE_COLUMN
    texts = records.table.column(name).combine_chunks()
    values, _ = Whole().convert(texts)
    lines: np.ndarray = values.fill_null(0).to_numpy(zero_copy_only=False)
    is_line = (lines >= 1) & (lines <= _LAST_LINE)
    is_first = np.zeros(len(lines), dtype=bool)
    is_first[np.unique(lines, return_index=True)[1]] = True
    faults = [
        reasons(records.numbers[wrong], name, code, MESSAGES[code], shown_values(texts.filter(pa.array(wrong))))
        for code, wrong in (("not_a_reject", ~is_line), ("repeated_line", is_line & ~is_first))
    ]
    kept = is_line & is_first
    left = replace(
        records,
        table=own_columns(records.table.filter(pa.array(kept))),
        numbers=records.numbers[kept],
        reasons=pa.concat_tables([records.reasons, *faults]),
    )
    return left, lines[kept]


def hold_corrected(connection: LoaderConnection, work: Work) -> int:
    """Lock the collection and the corrected upload; return the version that the correction makes.

    Raises `CorrectedUploadEnded` if the upload was undone or replaced.
    """
    version = next_version(connection, work.destination.collection, work.number, Change.CORRECTED)
    if not state_machine.hold_completed(connection, work.target_number):
        raise CorrectedUploadEnded("the upload that these records belong to is no longer completed: it was undone")
    [[successor]] = connection.execute(_SUCCESSOR, corrects=work.target_number)
    if successor is not None:
        raise CorrectedUploadEnded(f"the upload that these records belong to was replaced by upload {successor}")
    return version


def keep_rejected(connection: LoaderConnection, work: Work, corrected: Corrected) -> Corrected:
    """Remove the rejects of records that are valid now.

    Records that the upload did not reject, or has loaded since, are rejected.
    """
    corrected = _without_repeated_keys(connection, work, corrected)
    valid = corrected.rows["id"].to_numpy() - work.destination.first_id
    invalid = np.setdiff1d(corrected.lines, valid)
    taken = connection.execute(_TAKE_REJECTS, corrects=work.target_number, lines=valid.tolist())
    left = connection.execute(_STILL_REJECTED, corrects=work.target_number, lines=invalid.tolist())
    corrected = replace(corrected, codes=tuple(code for _, code in taken))
    known = [line for line, *_ in (*taken, *left)]
    is_wanted = np.isin(corrected.lines, np.array(known, dtype=np.int64))
    if is_wanted.all():
        return corrected
    ids = pa.array(corrected.lines[is_wanted] + work.destination.first_id)
    unwanted_lines = pa.array(corrected.locations.line_numbers[~is_wanted])
    # Further reasons for a record that the upload did not reject would only mislead.
    others = corrected.rejects.filter(pc.invert(pc.is_in(corrected.rejects["line_number"], unwanted_lines)))
    rejects = pa.concat_tables([others, _rejects_of(corrected, ~is_wanted, work.number, "not_a_reject")])
    return replace(corrected, rows=corrected.rows.filter(pc.is_in(corrected.rows["id"], ids)), rejects=rejects)


def _without_repeated_keys(connection: LoaderConnection, work: Work, corrected: Corrected) -> Corrected:
    """Reject the records whose key another record of the correction, or a row of the corrected upload, has."""
    destination, key = work.destination, list(work.destination.table.key)
    if not key or not corrected.rows.num_rows:
        return corrected
    rows, repeated = first_of_each_key(destination.table, corrected.rows, destination.first_id)
    stored = stored_keys(connection, destination, rows)
    if stored.num_rows:
        is_stored = pa.table({**dict(zip(key, rows.select(key).columns, strict=True)), "id": rows["id"]})
        gone = is_stored.join(stored, keys=key, join_type="left semi")["id"]
        repeated["lines"] += (gone.to_numpy() - destination.first_id).tolist()
        rows = rows.filter(pc.invert(pc.is_in(rows["id"], gone.combine_chunks())))
    if not repeated["lines"]:
        return corrected
    is_repeated = np.isin(corrected.lines, repeated["lines"])
    rejects = pa.concat_tables([corrected.rejects, _rejects_of(corrected, is_repeated, work.number, "duplicate_key")])
    return replace(corrected, rows=rows, rejects=rejects)


def _rejects_of(corrected: Corrected, unwanted: np.ndarray, upload_number: int, code: str) -> pa.Table:
    locations, count = corrected.locations, int(unwanted.sum())
    columns = {
        "upload_number": pa.repeat(pa.scalar(upload_number, pa.int64()), count),
        "line_number": pa.array(locations.line_numbers[unwanted]),
        "position": pa.repeat(pa.scalar(0, pa.int16()), count),
        "column_name": pa.repeat(pa.scalar(LINE_COLUMN), count),
        "code": pa.repeat(pa.scalar(code), count),
        "message": pa.repeat(pa.scalar(MESSAGES[code]), count),
        "value": pa.array(map(str, corrected.lines[unwanted].tolist()), pa.string()),
        "byte_start": pa.array(locations.byte_starts[unwanted]),
        "byte_end": pa.array(locations.byte_ends[unwanted]),
    }
    return pa.table([columns[field.name] for field in REJECTS], schema=REJECTS)


def publish_corrected(connection: LoaderConnection, work: Work, corrected: Corrected, version: int) -> None:
    """Change the corrected upload's record counts and complete the correction, in the transaction with the rows.

    Its rows are as old as the upload: they supersede what an upsert supersedes, and what later upserts have set stays.
    """
    count = int(corrected.rows.num_rows)
    if count:
        connection.execute(_CHANGE_RECORD_COUNTS, corrects=work.target_number, corrected=count, version=version)
        counts = totals.counted(work.destination.table, corrected.rows)
        totals.add_to_upload(connection, work.target_number, counts)
        totals.add_to_collection(connection, work.destination.collection, counts)
        totals.corrected(connection, work.destination.collection, work.destination.first_id, corrected.codes, version)
        reason = f"{count} rejected records were corrected by upload {work.id}"
        record_event(connection, work.target_number, "corrected", reason)
        table, collection = work.destination.table, work.destination.collection
        ids = corrected.rows["id"].to_pylist()
        touch(connection, table, collection, version, f"SELECT * FROM {rows_with(collection)} AS joined", ids=ids)
        upserting.join(connection, table, collection, work.target_number, ids, version)
    reach("correction.counted")
    complete(connection, work, None, version, counted_elsewhere=count)
