"""An export and whoever replaces the rows at that moment: it has those before or those after, in every format."""

import asyncio
import io
import threading
import time

import psycopg2
import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Engine

from shared.catalog.export_formats import ExportFormat
from shared.catalog.tables.movies import TABLE
from shared.catalog.write_mode import WriteMode
from shared.database.engine import create_export_engine, export_address
from shared.database.exports.columnar import columnar_export
from shared.database.exports.text import text_export
from shared.database.queries.rows import RowListing
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.test_loader import never, rows
from tests.integration.ingest.titles import titles

REPLACE_ROWS = """
DELETE FROM movies;
INSERT INTO movies (id, tenant, collection, title, source_id) SELECT 9, 'public', number, 'new', 'tt2' FROM collections
"""
IS_WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass)"


async def export(settings: Settings, listing: RowListing, file_format: ExportFormat) -> bytes:
    """The whole file."""
    file, engine = io.BytesIO(), create_export_engine(settings)

    async def write(block: bytes) -> None:
        file.write(block)

    if file_format in (ExportFormat.CSV, ExportFormat.JSONL):
        opened = text_export(engine, listing, file_format)
    else:
        opened = columnar_export(export_address(settings), listing, file_format)
    async with opened as run:
        await run(write)
    await engine.dispose()
    return file.getvalue()


def titles_in(file: bytes, file_format: ExportFormat) -> list[str]:
    match file_format:
        case ExportFormat.ARROW:
            return list(pa.ipc.open_stream(file).read_all()["title"].to_pylist())
        case ExportFormat.PARQUET:
            return list(parquet.read_table(io.BytesIO(file))["title"].to_pylist())
        case _:
            return [title for title in ("old", "new") if title.encode() in file]


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize("file_format", ExportFormat)
def test_an_export_that_waited_for_a_lock_sees_what_was_committed_meanwhile(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader, file_format: ExportFormat
) -> None:
    loader.load(intake(titles({"tt1": "old"}), "title.basics.tsv", mode=WriteMode.APPEND), never)
    [[number, branch]] = rows(engine, "SELECT number, branch FROM collections")
    listing = RowListing(TABLE, "public", number, fields=tuple(TABLE.readable.values()))
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(export(settings, listing, file_format))))
    holder = psycopg2.connect(settings.database_url)
    with holder, holder.cursor() as cursor:
        cursor.execute(f"LOCK TABLE ONLY {branch} IN ACCESS EXCLUSIVE MODE")
        thread.start()
        wait_until_waited_for(settings, branch)
        cursor.execute(REPLACE_ROWS)
    holder.close()
    thread.join(30)
    assert titles_in(found[0], file_format) == ["new"]


def wait_until_waited_for(settings: Settings, branch: str) -> None:
    looking = psycopg2.connect(settings.database_url)
    deadline = time.monotonic() + 30
    with looking.cursor() as cursor:
        while True:
            cursor.execute(IS_WAITED_FOR, (branch,))
            if cursor.fetchone() == (True,):
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
    looking.close()
