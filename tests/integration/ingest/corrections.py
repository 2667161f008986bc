"""What tests of corrections share: corrected records, and what became of them."""

import csv
import io
import uuid

from sqlalchemy import Engine

from tests.integration.ingest.test_loader import rows, upload
from tests.rows import GOOD_MOVIE, MOVIES_HEADER


def corrected_movies(*lines: object, **changes: str) -> bytes:
    """Good movies for these lines."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow(["_line", "_column", "_code", "_message", "_hint", *MOVIES_HEADER])
    for line in lines:
        movie = GOOD_MOVIE | {"title": f"Corrected {line}"} | changes
        writer.writerow([line, "title", "required", "is empty", "", *(movie[name] for name in MOVIES_HEADER)])
    return output.getvalue().encode()


def rejected_lines(engine: Engine, upload_id: uuid.UUID) -> list[int]:
    found = rows(
        engine,
        "SELECT DISTINCT line_number FROM rejects JOIN uploads ON uploads.number = upload_number WHERE id = :id"
        " ORDER BY 1",
        id=upload_id,
    )
    return [line for (line,) in found]


def reasons(engine: Engine, upload_id: uuid.UUID) -> list[tuple[int, str]]:
    found = rows(
        engine,
        "SELECT line_number, code FROM rejects JOIN uploads ON uploads.number = upload_number WHERE id = :id"
        " ORDER BY 1, position",
        id=upload_id,
    )
    return [(line, code) for line, code in found]


def counts(engine: Engine, upload_id: uuid.UUID) -> tuple[int, int, int]:
    found = upload(engine, upload_id)
    return found["read_records"], found["loaded_records"], found["rejected_records"]


def check_totals(engine: Engine) -> None:
    """What is listed, what is counted, and what uploads say, agree."""
    listed = rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies")[0]
    counted = rows(engine, "SELECT coalesce(sum(row_count), 0) FROM collection_totals WHERE breakdown = 'rows'")[0][0]
    of_uploads = rows(engine, "SELECT coalesce(sum(row_count), 0) FROM upload_totals WHERE breakdown = 'rows'")[0][0]
    sql = "SELECT coalesce(sum(loaded_records), 0) FROM uploads WHERE state = 'completed' AND corrects IS NULL"
    assert set(listed) == {counted} == {of_uploads} == {rows(engine, sql)[0][0]}
