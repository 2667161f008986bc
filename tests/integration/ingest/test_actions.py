"""Cancel, retry, undo and the sweep: each leaves what it promises and refuses what the state forbids."""

import secrets
import threading
import time
import uuid
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.database.loader_connection import LoaderConnection
from shared.errors import LostLease, NotFound, StateConflict, Unavailable
from shared.ingest.lifecycle.actions import cancel, drop_table, retry
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.work import claim_batch, finish_batch
from shared.messaging import Transport
from shared.settings import Settings
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import LARGE, SMALL, begun, commit, copy, never, read_records, rows, upload
from tests.rows import movies


def own_tables(engine: Engine) -> list[Any]:
    return rows(engine, "SELECT relname FROM pg_class WHERE relname LIKE 'movies\\_u%' AND relkind = 'r'")


def stop_after(batches: int) -> Any:
    calls = iter(range(1_000_000))
    return lambda: next(calls) >= batches


class Notifier:
    """Collects the uploads that the sweep notifies of."""

    def __init__(self) -> None:
        self.notified: list[uuid.UUID] = []

    def __call__(self, upload_id: uuid.UUID, _transport: Transport) -> bool:
        self.notified.append(upload_id)
        return True


def test_a_retry_gives_way_to_a_newer_upload_of_the_same_file(engine: Engine, loader: Loader, intake: Intake) -> None:
    first = intake(SMALL, forced=False)
    cancel(engine, first, "public")
    second = intake(SMALL, forced=False)
    assert second != first
    with pytest.raises(StateConflict, match="again in the meantime"):
        retry(engine, first, "public")
    loader.load(second, never)
    assert [upload(engine, each)["state"] for each in (first, second)] == ["cancelled", "completed"]


def take_back(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    undo(engine, REGISTRY, upload_id, tenant)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_undo_takes_everything_back(engine: Engine, loader: Loader, intake: Intake, content: bytes) -> None:
    kept, gone = intake(SMALL), intake(content)
    for upload_id in (kept, gone):
        loader.load(upload_id, never)
    undo(engine, REGISTRY, gone, "public")
    undo(engine, REGISTRY, gone, "public")
    assert upload(engine, gone)["state"] == "undone"
    assert rows(engine, "SELECT count(*) FROM movies") == [(2,)]
    assert rows(engine, "SELECT sum(row_count) FROM collection_totals WHERE breakdown = 'rows'") == [(2,)]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(1,)]
    assert own_tables(engine) == []


@pytest.mark.parametrize("batches", [0, 5])
def test_cancel_leaves_nothing_and_retry_loads_all(
    engine: Engine, loader: Loader, intake: Intake, batches: int
) -> None:
    upload_id = intake(LARGE)
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
    engine: Engine, loader: Loader, intake: Intake, settings: Settings, content: bytes
) -> None:
    upload_id = intake(content)
    connection = LoaderConnection(settings)
    work = begun(connection, upload_id)
    batch = claim_batch(connection, work, 60, 3)
    assert batch is not None
    records = read_records(loader, work, batch)
    cancel(engine, upload_id, "public")
    with pytest.raises(LostLease):
        commit(connection, work, batch, records)
    connection.close()
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(0,)]
    assert upload(engine, upload_id)["state"] == "cancelled"


def test_cancel_does_not_wait_for_a_paused_loader(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings
) -> None:
    upload_id = intake(LARGE)
    paused = LoaderConnection(settings)
    work = begun(paused, upload_id)
    batch = claim_batch(paused, work, 60, 3)
    assert batch is not None
    with pytest.raises(Unavailable), paused.transaction():  # noqa: PT012 - the transaction is what must fail
        copy(paused, work, read_records(loader, work, batch))
        started = time.monotonic()
        cancel(engine, upload_id, "public")
        assert time.monotonic() - started < 5
        assert own_tables(engine) == []
        finish_batch(paused, work, batch, {"read": 1, "loaded": 1, "rejected": 0, "duplicate": 0}, [])
    paused.close()


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_cancels_and_loads_at_once_never_block_each_other(
    engine: Engine, loader: Loader, intake: Intake, content: bytes
) -> None:
    """Once, cancel locked the upload before its batches and loaders the reverse; clients saw the deadlock as a 503."""
    for delay in range(12):
        upload_id = intake(content)
        loading = threading.Thread(target=loader.load, args=(upload_id, never))
        loading.start()
        time.sleep(delay / 200)
        with suppress(StateConflict):
            cancel(engine, upload_id, "public")
        loading.join()
        assert upload(engine, upload_id)["state"] in ("cancelled", "completed")
    assert rows(engine, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_a_retry_is_not_hurt_by_another_one(engine: Engine, loader: Loader, intake: Intake) -> None:
    """Once, the second retry dropped the table that the loader of the first one had just filled."""
    upload_id = intake(LARGE)
    loader.load(upload_id, stop_after(3))
    cancel(engine, upload_id, "public")
    retry(engine, upload_id, "public")
    loader.load(upload_id, stop_after(5))
    number = upload(engine, upload_id)["number"]
    drop_table(engine, number)
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_what_the_state_forbids(engine: Engine, loader: Loader, intake: Intake) -> None:
    queued, completed = intake(SMALL), intake(SMALL)
    loader.load(completed, never)
    for action, upload_id in ((take_back, queued), (cancel, completed), (retry, completed)):
        with pytest.raises(StateConflict):
            action(engine, upload_id, "public")
    for action in (take_back, cancel, retry):
        with pytest.raises(NotFound):
            action(engine, completed, "somebody-else")


def test_the_sweep_notifies_for_what_waits(engine: Engine, intake: Intake, settings: Settings) -> None:
    upload_id, notifier = intake(SMALL), Notifier()
    sweep(engine, settings, notifier, tuple(Transport))
    assert notifier.notified == []  # a loader has just been notified
    forget_notifications(engine)
    sweep(engine, settings, notifier, [Transport.BACKGROUND])
    assert notifier.notified == []  # it cannot use this transport
    sweep(engine, settings, notifier, [Transport.CELERY])
    sweep(engine, settings, notifier, [Transport.CELERY])
    assert notifier.notified == [upload_id]  # and not again before a lease has passed


def test_the_sweep_does_not_fill_a_queue_without_a_consumer(engine: Engine, intake: Intake, settings: Settings) -> None:
    intake(SMALL)
    second, notifier = intake(SMALL), Notifier()
    forget_notifications(engine)
    sweep(engine, settings, notifier, [Transport.CELERY], messages=2)
    assert notifier.notified == []
    sweep(engine, settings, notifier, [Transport.CELERY], messages=1)
    assert second in notifier.notified


def test_the_sweep_leaves_a_working_loader_alone(engine: Engine, intake: Intake, settings: Settings) -> None:
    upload_id, notifier = intake(LARGE), Notifier()
    connection = LoaderConnection(settings)
    work = begun(connection, upload_id)
    assert claim_batch(connection, work, 60, 3) is not None
    forget_notifications(engine)
    sweep(engine, settings, notifier, [Transport.CELERY])
    assert notifier.notified == []
    with engine.begin() as changing:
        changing.execute(text("UPDATE batches SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"))
    sweep(engine, settings, notifier, [Transport.CELERY])
    assert notifier.notified == [upload_id]
    connection.close()


def test_a_batch_that_kills_its_loaders_ends_the_upload(engine: Engine, intake: Intake, settings: Settings) -> None:
    upload_id = intake(LARGE)
    connection = LoaderConnection(settings)
    work = begun(connection, upload_id)
    for _ in range(settings.max_attempts):
        assert claim_batch(connection, work, 0, settings.max_attempts) is not None
    second = claim_batch(connection, work, 0, settings.max_attempts)
    assert second is not None
    assert second.number == 1
    sweep(engine, settings, Notifier(), [Transport.CELERY])
    found = upload(engine, upload_id)
    assert (found["state"], found["error_code"]) == ("failed", "attempts_exhausted")
    assert "batch 0" in found["error_message"]
    assert "line 2 on" in found["error_message"]
    sweep(engine, settings, Notifier(), [Transport.CELERY])
    assert own_tables(engine) == []
    connection.close()


def test_a_loader_of_an_upload_that_the_sweep_has_failed_commits_nothing(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = LoaderConnection(settings)
    work = begun(connection, intake(LARGE))
    for _ in range(settings.max_attempts):
        assert claim_batch(connection, work, 0, settings.max_attempts) is not None
    alive = claim_batch(connection, work, 60, settings.max_attempts)
    assert alive is not None
    records = read_records(loader, work, alive)
    monkeypatch.setattr(
        "shared.ingest.lifecycle.sweep.drop_table", lambda *_: None
    )  # the loader commits in the moment before the sweep drops the table
    sweep(engine, settings, Notifier(), [Transport.CELERY])
    with pytest.raises(LostLease):
        commit(connection, work, alive, records)
    connection.close()


def test_the_sweep_leaves_a_working_publisher_alone(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, notifier = intake(LARGE), Notifier()

    def look(point: str) -> None:
        if point == "publish.built":
            forget_notifications(engine)
            sweep(engine, settings, notifier, [Transport.CELERY])

    monkeypatch.setattr("shared.ingest.publishing.large_upload.reach", look)
    loader.load(upload_id, never)
    assert notifier.notified == []
    assert upload(engine, upload_id)["state"] == "completed"


def test_a_stored_file_that_is_gone_ends_the_upload(
    engine: Engine, settings: Settings, loader: Loader, intake: Intake
) -> None:
    gone, short = intake(SMALL), intake(SMALL)
    loader.storage.delete(upload(engine, gone)["storage_key"])
    with (settings.upload_dir / upload(engine, short)["storage_key"]).open("r+b") as file:
        file.truncate(300)
    for upload_id in (gone, short):
        loader.load(upload_id, never)
        found = upload(engine, upload_id)
        assert (found["state"], found["error_code"]) == ("failed", "stored_file_corrupt")
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]


def test_a_silent_notifier_is_tried_once_a_round(engine: Engine, intake: Intake, settings: Settings) -> None:
    for _ in range(3):
        intake(SMALL)
    forget_notifications(engine)
    tried: list[uuid.UUID] = []

    def silent(upload_id: uuid.UUID, _transport: Transport) -> bool:
        tried.append(upload_id)
        return False

    sweep(engine, settings, silent, tuple(Transport))
    assert len(tried) == 1


def test_undo_does_not_wait_for_an_autovacuum_to_end(engine: Engine, loader: Loader, intake: Intake) -> None:
    """An autovacuum gives way to a wait longer than `deadlock_timeout`; all the short tries of 8 s had failed."""
    upload_id = intake(movies(*({"overview": secrets.token_hex(900)} for _ in range(500))))
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
            undo(engine, REGISTRY, upload_id, "public")
        finally:
            connection.execute(text("ALTER SYSTEM RESET autovacuum_naptime"))
            connection.execute(text("SELECT pg_reload_conf()"))
    assert upload(engine, upload_id)["state"] == "undone"
    assert own_tables(engine) == []


def forget_notifications(engine: Engine) -> None:
    with engine.begin() as connection:
        # A process that was stopped in its transaction keeps the row for as long as our ordinary lock_timeout.
        connection.execute(text("SET LOCAL lock_timeout = '20s'"))
        connection.execute(text("UPDATE uploads SET notified_at = now() - interval '1 hour'"))
