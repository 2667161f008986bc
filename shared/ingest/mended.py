"""Loads mended records into the upload that rejected them: its account closes, rejected goes down, loaded goes up.

    outside a transaction   read, which line of the mended upload is it?, parse and check like any record
    inside of one           lock the mended upload; what it does not want (any more) is rejected; rows, totals, both
                            accounts, both histories

The lock of the mended upload's row decides between two mendings of the same lines, and between a mending and an undo.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.database.arrow import REJECTS
from shared.database.loading import LoadingConnection
from shared.database.models import LINE_BITS
from shared.database.partitions import first_id
from shared.datasets import DATASETS
from shared.datasets.rules import Whole
from shared.errors import MendedUploadEnded
from shared.failpoints import reach
from shared.ingest.publish import complete, counted
from shared.ingest.records import Places, Records, reasons
from shared.ingest.rejects_file import LINE_COLUMN
from shared.ingest.sheet import SHEET_LINE, own_columns, own_names
from shared.ingest.validate import Validated, shown_values, validate
from shared.ingest.work import Work, record_event

_LAST_LINE: Final = (1 << LINE_BITS) - 1

MESSAGES: Final = {
    "not_a_reject": f"{LINE_COLUMN} must be the line of a record that the upload rejected, and has not loaded since",
    "repeated_line": f"{LINE_COLUMN} is that of an earlier record of this file",
}

_HOLD_MENDED = "SELECT number FROM uploads WHERE number = %(mends)s AND state = 'completed' FOR NO KEY UPDATE"

# By taking them away: old rejects are removed without the lock of their upload.
_TAKE_REJECTS = """
WITH taken AS (
    DELETE FROM rejects WHERE upload_number = %(mends)s AND line_number = ANY(%(lines)s::bigint[])
    RETURNING line_number, position
)
SELECT line_number FROM taken WHERE position = 0
"""

_STILL_REJECTED = """
SELECT line_number FROM rejects
WHERE upload_number = %(mends)s AND position = 0 AND line_number = ANY(%(lines)s::bigint[])
"""

_CHANGE_ACCOUNT = """
UPDATE uploads
SET loaded_records = loaded_records + %(mended)s, rejected_records = rejected_records - %(mended)s
WHERE number = %(mends)s
"""

# Both in the order of the key, so that two publications can never wait for each other.
_ADD_TO_UPLOAD_TOTALS = """
INSERT INTO upload_totals AS total (upload_number, release_year, original_language, movies)
SELECT %(mends)s, year, language, movies
FROM unnest(%(years)s::smallint[], %(languages)s::text[], %(movies)s::bigint[]) AS counted (year, language, movies)
ORDER BY 2, 3
ON CONFLICT (upload_number, release_year, original_language) DO UPDATE SET movies = total.movies + excluded.movies
"""

_ADD_TO_MOVIE_TOTALS = """
INSERT INTO movie_totals AS total (tenant, release_year, original_language, movies)
SELECT %(tenant)s, year, language, movies
FROM unnest(%(years)s::smallint[], %(languages)s::text[], %(movies)s::bigint[]) AS counted (year, language, movies)
ORDER BY 2, 3
ON CONFLICT (tenant, release_year, original_language) DO UPDATE SET movies = total.movies + excluded.movies
"""


@dataclass(frozen=True, slots=True)
class Mended(Validated):
    """`lines`: of each record that names one, in order, its line in the mended upload; `places`: where it is here."""

    lines: np.ndarray
    places: Places


def validate_mended(records: Records, work: Work, mends: int) -> Mended:
    """Like `validate`; the rows get the ids that they would have had in the mended upload, by the lines they name."""
    records, lines = _take_lines(records)
    header = own_names(work.header)
    ids = lines + first_id(mends)
    validated = validate(records, DATASETS[work.dataset], header, work.tenant, work.number, ids)
    places, numbers = records.places, records.numbers
    named = Places(places.line_numbers[numbers], places.byte_starts[numbers], places.byte_ends[numbers])
    return Mended(validated.movies, validated.rejects, validated.read, lines, named)


def _take_lines(records: Records) -> tuple[Records, np.ndarray]:
    """The records that name a line, each line once, with those lines; the others have a reason."""
    name = SHEET_LINE if SHEET_LINE in records.table.column_names else LINE_COLUMN
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


def keep_rejected(connection: LoadingConnection, work: Work, mended: Mended) -> Mended:
    """Lock the mended upload, take the rejects away whose records are sound now, and reject what is none of them.

    Raises `MendedUploadEnded`.
    """
    if not connection.execute(_HOLD_MENDED, mends=work.mends):
        raise MendedUploadEnded("the upload whose rejects these are is not completed any more: it was undone")
    sound = mended.movies["id"].to_numpy() - first_id(work.owner)
    faulty = np.setdiff1d(mended.lines, sound)
    taken = connection.execute(_TAKE_REJECTS, mends=work.mends, lines=sound.tolist())
    left = connection.execute(_STILL_REJECTED, mends=work.mends, lines=faulty.tolist())
    is_wanted = np.isin(mended.lines, np.array([*taken, *left], dtype=np.int64).reshape(-1))
    if is_wanted.all():
        return mended
    ids = pa.array(mended.lines[is_wanted] + first_id(work.owner))
    refused_here = pa.array(mended.places.line_numbers[~is_wanted])
    # Whatever else is wrong with a record that nobody wants would only mislead.
    others = mended.rejects.filter(pc.invert(pc.is_in(mended.rejects["line_number"], refused_here)))
    rejects = pa.concat_tables([others, _not_rejects(mended, ~is_wanted, work.number)])
    return replace(mended, movies=mended.movies.filter(pc.is_in(mended.movies["id"], ids)), rejects=rejects)


def _not_rejects(mended: Mended, refused: np.ndarray, upload_number: int) -> pa.Table:
    places, count = mended.places, int(refused.sum())
    columns = {
        "upload_number": pa.repeat(pa.scalar(upload_number, pa.int64()), count),
        "line_number": pa.array(places.line_numbers[refused]),
        "position": pa.repeat(pa.scalar(0, pa.int16()), count),
        "column_name": pa.repeat(pa.scalar(LINE_COLUMN), count),
        "code": pa.repeat(pa.scalar("not_a_reject"), count),
        "message": pa.repeat(pa.scalar(MESSAGES["not_a_reject"]), count),
        "value": pa.array(map(str, mended.lines[refused].tolist()), pa.string()),
        "byte_start": pa.array(places.byte_starts[refused]),
        "byte_end": pa.array(places.byte_ends[refused]),
    }
    return pa.table([columns[field.name] for field in REJECTS], schema=REJECTS)


def publish_mended(connection: LoadingConnection, work: Work, mended: Mended) -> None:
    """Change the mended upload's account and end the mending, inside the transaction that holds the rows."""
    count = int(mended.movies.num_rows)
    if count:
        connection.execute(_CHANGE_ACCOUNT, mends=work.mends, mended=count)
        _add_to_totals(connection, work, counted(mended.movies))
        record_event(connection, work.owner, "mended", f"{count} rejected records were mended by upload {work.id}")
    reach("mend.closed")
    complete(connection, work, epoch=None, counted_elsewhere=count)


def _add_to_totals(connection: LoadingConnection, work: Work, counts: dict[str, list[Any]]) -> None:
    connection.execute(_ADD_TO_UPLOAD_TOTALS, mends=work.mends, **counts)
    connection.execute(_ADD_TO_MOVIE_TOTALS, tenant=work.tenant, **counts)
