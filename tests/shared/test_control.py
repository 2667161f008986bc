"""Cancel, retry, undo and the sweep: each leaves what it promises and refuses what the state forbids."""

import secrets
import threading
import time
import uuid
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.database.loading import LoadingConnection
from shared.errors import LostLease, NotFound, StateConflict, Unavailable
from shared.ingest.control import cancel, drop_table, retry, undo
from shared.ingest.load import Loader, commit_batch
from shared.ingest.sweep import sweep
from shared.ingest.work import begin, claim_batch, finish_batch
from shared.settings import Settings
from tests.conftest import Accept
from tests.rows import movies
from tests.shared.test_load import LARGE, SMALL, never, prepared, rows, upload


def own_tables(engine: Engine) -> list[Any]:
    return rows(engine, "SELECT relname FROM pg_class WHERE relname LIKE 'movies\\_u%' AND relkind = 'r'")


def stop_after(batches: int) -> Any:
    calls = iter(range(1_000_000))
    return lambda: next(calls) >= batches


class Bell:
    """Remembers for what it was rung."""

    def __init__(self) -> None:
        self.rung: list[uuid.UUID] = []

    def __call__(self, upload_id: uuid.UUID, _use_celery: bool) -> bool:
        self.rung.append(upload_id)
        return True


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_undo_takes_everything_back(engine: Engine, loader: Loader, accept: Accept, content: bytes) -> None:
    kept, gone = accept(SMALL), accept(content)
    for upload_id in (kept, gone):
        loader.load(upload_id, never)
    undo(engine, gone, "public")
    undo(engine, gone, "public")
    assert upload(engine, gone)["state"] == "undone"
    assert rows(engine, "SELECT count(*) FROM movies") == [(2,)]
    assert rows(engine, "SELECT sum(movies) FROM movie_totals") == [(2,)]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(1,)]
    assert own_tables(engine) == []


@pytest.mark.parametrize("batches", [0, 5])
def test_cancel_leaves_nothing_and_retry_loads_all(
    engine: Engine, loader: Loader, accept: Accept, batches: int
) -> None:
    upload_id = accept(LARGE)
    loader.load(upload_id, stop_after(batches))
    cancel(engine, upload_id, "public")
    cancel(engine, upload_id, "public")
    assert upload(engine, upload_id)["state"] == "cancelled"
    assert own_tables(engine) == []
    assert rows(engine, "SELECT count(*) FROM rejects") == [(0,)]
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "cancelled"
    retry(engine, upload_id, "public")
    retry(engine, upload_id, "public")
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"
    assert rows(engine, "SELECT count(*) FROM movies") == [(180,)]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(20,)]


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_loader_cannot_commit_into_a_cancelled_upload(
    engine: Engine, loader: Loader, accept: Accept, settings: Settings, content: bytes
) -> None:
    upload_id = accept(content)
    connection = LoadingConnection(settings)
    work = begin(connection, upload_id)
    assert work is not None
    batch = claim_batch(connection, work, 60, 3)
    assert batch is not None
    validated = prepared(loader, work, batch)
    cancel(engine, upload_id, "public")
    with pytest.raises(LostLease):
        commit_batch(connection, work, batch, validated)
    connection.close()
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(0,)]
    assert upload(engine, upload_id)["state"] == "cancelled"


def test_cancel_does_not_wait_for_a_paused_loader(
    engine: Engine, loader: Loader, accept: Accept, settings: Settings
) -> None:
    upload_id = accept(LARGE)
    paused = LoadingConnection(settings)
    work = begin(paused, upload_id)
    assert work is not None
    batch = claim_batch(paused, work, 60, 3)
    assert batch is not None
    with pytest.raises(Unavailable), paused.transaction():  # noqa: PT012 - the transaction is what must fail
        paused.copy(work.table, prepared(loader, work, batch).movies)
        started = time.monotonic()
        cancel(engine, upload_id, "public")
        assert time.monotonic() - started < 5
        assert own_tables(engine) == []
        finish_batch(paused, work, batch, 1, 1, 0)
    paused.close()


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_cancels_and_loads_at_once_never_block_each_other(
    engine: Engine, loader: Loader, accept: Accept, content: bytes
) -> None:
    """The one locked the upload and then its batches, the other the other way round: a deadlock, seen as a 503."""
    for delay in range(12):
        upload_id = accept(content)
        loading = threading.Thread(target=loader.load, args=(upload_id, never))
        loading.start()
        time.sleep(delay / 200)
        with suppress(StateConflict):
            cancel(engine, upload_id, "public")
        loading.join()
        assert upload(engine, upload_id)["state"] in ("cancelled", "completed")
    assert rows(engine, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_a_retry_is_not_hurt_by_another_one(engine: Engine, loader: Loader, accept: Accept) -> None:
    """The second one dropped the table that the first one's loader had just filled."""
    upload_id = accept(LARGE)
    loader.load(upload_id, stop_after(3))
    cancel(engine, upload_id, "public")
    retry(engine, upload_id, "public")
    loader.load(upload_id, stop_after(5))
    number = upload(engine, upload_id)["number"]
    drop_table(engine, number)
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_what_the_state_forbids(engine: Engine, loader: Loader, accept: Accept) -> None:
    queued, completed = accept(SMALL), accept(SMALL)
    loader.load(completed, never)
    for action, upload_id in ((undo, queued), (cancel, completed), (retry, completed)):
        with pytest.raises(StateConflict):
            action(engine, upload_id, "public")
    for action in (undo, cancel, retry):
        with pytest.raises(NotFound):
            action(engine, completed, "somebody-else")


def test_the_sweep_rings_for_what_waits(engine: Engine, accept: Accept, settings: Settings) -> None:
    upload_id, bell = accept(SMALL), Bell()
    sweep(engine, settings, bell, [True, False])
    assert bell.rung == []  # its doorbell has just been rung
    forget_rings(engine)
    sweep(engine, settings, bell, [False])
    assert bell.rung == []  # not this bell's business
    sweep(engine, settings, bell, [True])
    sweep(engine, settings, bell, [True])
    assert bell.rung == [upload_id]  # and not again before a lease has passed


def test_the_sweep_does_not_fill_a_queue_that_nobody_empties(
    engine: Engine, accept: Accept, settings: Settings
) -> None:
    accept(SMALL)
    second, bell = accept(SMALL), Bell()
    forget_rings(engine)
    sweep(engine, settings, bell, [True], messages=2)
    assert bell.rung == []
    sweep(engine, settings, bell, [True], messages=1)
    assert second in bell.rung


def test_the_sweep_leaves_a_working_loader_alone(engine: Engine, accept: Accept, settings: Settings) -> None:
    upload_id, bell = accept(LARGE), Bell()
    connection = LoadingConnection(settings)
    work = begin(connection, upload_id)
    assert work is not None
    assert claim_batch(connection, work, 60, 3) is not None
    forget_rings(engine)
    sweep(engine, settings, bell, [True])
    assert bell.rung == []
    with engine.begin() as changing:
        changing.execute(text("UPDATE batches SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"))
    sweep(engine, settings, bell, [True])
    assert bell.rung == [upload_id]
    connection.close()


def test_a_batch_that_kills_its_loaders_ends_the_upload(engine: Engine, accept: Accept, settings: Settings) -> None:
    upload_id = accept(LARGE)
    connection = LoadingConnection(settings)
    work = begin(connection, upload_id)
    assert work is not None
    for _ in range(settings.max_attempts):
        assert claim_batch(connection, work, 0, settings.max_attempts) is not None
    second = claim_batch(connection, work, 0, settings.max_attempts)
    assert second is not None
    assert second.number == 1
    sweep(engine, settings, Bell(), [True])
    found = upload(engine, upload_id)
    assert (found["state"], found["error_code"]) == ("failed", "attempts_exhausted")
    assert "batch 0" in found["error_message"]
    assert "line 2 on" in found["error_message"]
    sweep(engine, settings, Bell(), [True])
    assert own_tables(engine) == []
    connection.close()


def test_who_still_loads_an_upload_that_the_sweep_has_failed_commits_nothing(
    engine: Engine, loader: Loader, accept: Accept, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = LoadingConnection(settings)
    work = begin(connection, accept(LARGE))
    assert work is not None
    for _ in range(settings.max_attempts):
        assert claim_batch(connection, work, 0, settings.max_attempts) is not None
    alive = claim_batch(connection, work, 60, settings.max_attempts)
    assert alive is not None
    validated = prepared(loader, work, alive)
    monkeypatch.setattr("shared.ingest.sweep.drop_table", lambda *_: None)  # the moment before it
    sweep(engine, settings, Bell(), [True])
    with pytest.raises(LostLease):
        commit_batch(connection, work, alive, validated)
    connection.close()


def test_the_sweep_leaves_a_working_publisher_alone(
    engine: Engine, loader: Loader, accept: Accept, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, bell = accept(LARGE), Bell()

    def look(point: str) -> None:
        if point == "publish.built":
            forget_rings(engine)
            sweep(engine, settings, bell, [True])

    monkeypatch.setattr("shared.ingest.publish.reach", look)
    loader.load(upload_id, never)
    assert bell.rung == []
    assert upload(engine, upload_id)["state"] == "completed"


def test_a_stored_file_that_is_gone_ends_the_upload(engine: Engine, loader: Loader, accept: Accept) -> None:
    gone, short = accept(SMALL), accept(SMALL)
    loader.storage.delete(upload(engine, gone)["storage_key"])
    with (loader.storage.directory / upload(engine, short)["storage_key"]).open("r+b") as file:
        file.truncate(300)
    for upload_id in (gone, short):
        loader.load(upload_id, never)
        found = upload(engine, upload_id)
        assert (found["state"], found["error_code"]) == ("failed", "stored_file_damaged")
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]


def test_a_silent_bell_is_tried_once_a_round(engine: Engine, accept: Accept, settings: Settings) -> None:
    for _ in range(3):
        accept(SMALL)
    forget_rings(engine)
    tried: list[uuid.UUID] = []

    def silent(upload_id: uuid.UUID, _use_celery: bool) -> bool:
        tried.append(upload_id)
        return False

    sweep(engine, settings, silent, [True, False])
    assert len(tried) == 1


def test_undo_does_not_wait_for_an_autovacuum_to_end(engine: Engine, loader: Loader, accept: Accept) -> None:
    """It gives way to whoever waits for longer than `deadlock_timeout`; all the short tries of 8 s had failed."""
    upload_id = accept(movies(*({"overview": secrets.token_hex(900)} for _ in range(500))))
    loader.load(upload_id, never)
    ((table,),) = own_tables(engine)
    slowly = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER TABLE {table} SET ({slowly}, autovacuum_vacuum_insert_threshold = 0)"))
        connection.execute(text("ALTER SYSTEM SET autovacuum_naptime = 1"))
        connection.execute(text("SELECT pg_reload_conf()"))
        try:
            deadline = time.monotonic() + 30
            while rows(engine, "SELECT count(*) FROM pg_stat_progress_vacuum") == [(0,)]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            undo(engine, upload_id, "public")
        finally:
            connection.execute(text("ALTER SYSTEM RESET autovacuum_naptime"))
            connection.execute(text("SELECT pg_reload_conf()"))
    assert upload(engine, upload_id)["state"] == "undone"
    assert own_tables(engine) == []


def forget_rings(engine: Engine) -> None:
    with engine.begin() as connection:
        # A process that was stopped in its transaction keeps the row for as long as our ordinary lock_timeout.
        connection.execute(text("SET LOCAL lock_timeout = '20s'"))
        connection.execute(text("UPDATE uploads SET rung_at = now() - interval '1 hour'"))
