"""What a loader does while the lock table of the database server is full."""

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from shared.database.loader_connection import LoaderConnection
from shared.database.lock_table import is_lock_table_full
from shared.errors import LockTableFull
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Intake
from tests.full_lock_table import full_lock_table
from tests.integration.ingest.test_loader import LARGE, SMALL, never, rows, upload


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_an_upload_waits_and_loses_no_attempt(
    content: bytes, loader: Loader, intake: Intake, engine: Engine, settings: Settings
) -> None:
    upload_id = intake(content)
    with full_lock_table(settings.libpq_url):
        assert loader.answer(upload_id, never) is False
        assert loader.load(upload_id, never) is False
    assert upload(engine, upload_id)["state"] == "queued"
    assert rows(engine, "SELECT max(attempts) FROM batches") == [(0,)]
    assert loader.load(upload_id, never) is False
    assert upload(engine, upload_id)["state"] == "completed"


def test_the_error_names_the_setting(settings: Settings) -> None:
    connection = LoaderConnection(settings)
    with (
        full_lock_table(settings.libpq_url),
        pytest.raises(LockTableFull, match="max_locks_per_transaction"),
        connection.transaction(),
    ):
        connection.execute("CREATE TABLE another (id int)")
    connection.close()


def test_a_server_without_memory_is_not_one_without_locks(engine: Engine) -> None:
    raised = "DO $$ BEGIN RAISE 'out of memory' USING ERRCODE = '53200'; END $$"
    with pytest.raises(OperationalError) as caught, engine.begin() as connection:
        connection.execute(text(raised))
    assert isinstance(caught.value.orig, psycopg2.errors.OutOfMemory)
    assert not is_lock_table_full(caught.value)
