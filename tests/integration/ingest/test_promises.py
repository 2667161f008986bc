"""Promises that no other test covers: `python -m tests.seeded_bugs` breaks each of them, and a test here must fail."""

import os
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from shared.database.loader_connection import LoaderConnection
from shared.errors import KeyInUse, LostLease, Unavailable
from shared.ingest.intake.idempotency import reserve
from shared.ingest.intake.reject_budget import Budget
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.loading.loader import Loader, _give_back
from shared.ingest.work import claim_batch
from shared.messaging import Transport
from shared.settings import Settings
from tests.conftest import Intake, execute
from tests.integration.ingest.test_actions import Notifier, forget_notifications
from tests.integration.ingest.test_loader import (
    LARGE,
    SMALL,
    begun,
    commit,
    never,
    read_records,
    rows,
    upload,
    validate_batch,
)
from tests.rows import movies

# They are about our own logic and not about a version of PostgreSQL.
pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)
SIZES = pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])

# These names come before PostgreSQL's own in the search path: every statement takes these for the server's clock.
SHIFTED_CLOCK = """
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS 'SELECT pg_catalog.clock_timestamp() + make_interval(hours => {hours})';
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql
    AS 'SELECT pg_catalog.now() + make_interval(hours => {hours})';
"""


@pytest.fixture
def connection(settings: Settings) -> Iterator[LoaderConnection]:
    connection = LoaderConnection(settings)
    yield connection
    connection.close()


def change(engine: Engine, sql: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql))


def at(point: str, action: Callable[[], object]) -> Callable[[str], None]:
    """What replaces `failpoints.reach`."""

    def reach(reached: str) -> None:
        if reached == point:
            action()

    return reach


def unavailable() -> None:
    raise Unavailable("the server went away")


def crash() -> None:
    raise RuntimeError


# -- claims and leases ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [0, 1, -1])
def test_leases_are_by_the_servers_clock(
    database_url: str, settings: Settings, engine: Engine, intake: Intake, hours: int
) -> None:
    """By a clock that is an hour off, batches of living loaders would be claimed, or those of dead ones never."""
    execute(database_url, SHIFTED_CLOCK.format(hours=hours))
    name = database_url.rpartition("/")[2]
    execute(database_url, f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    connection = LoaderConnection(settings)
    work = begun(connection, intake(LARGE))
    numbers = [getattr(claim_batch(connection, work, seconds, 3), "number", None) for seconds in (0, 60, 60, 60)]
    connection.close()
    assert numbers == [0, 0, 1, 2]  # the first one's lease ended at once, the others' hold
    reserve(engine, "public", "key")
    with pytest.raises(KeyInUse):
        reserve(engine, "public", "key")


def test_claims_do_not_wait_for_each_other(intake: Intake, engine: Engine, connection: LoaderConnection) -> None:
    work = begun(connection, intake(LARGE))
    with connection.transaction():
        connection.execute("SET lock_timeout = '1s'")
    with engine.begin() as other:
        other.execute(text("SELECT FROM batches WHERE number = 0 FOR UPDATE"))
        batch = claim_batch(connection, work, 60, 3)
    assert batch is not None
    assert batch.number == 1


def test_a_loader_that_lost_its_batch_cannot_give_it_back(intake: Intake, connection: LoaderConnection) -> None:
    """Its new loader would lose it to a third one."""
    work = begun(connection, intake(SMALL))
    lost = claim_batch(connection, work, 0, 3)
    assert lost is not None
    assert claim_batch(connection, work, 60, 3) is not None
    _give_back(connection, work, lost, counts_as_attempt=False)
    assert claim_batch(connection, work, 60, 3) is None


# -- all or nothing -------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("point", ["batch.copied", "batch.fenced"])
def test_rows_rejects_and_ledger_are_one_transaction(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch, content: bytes, point: str
) -> None:
    upload_id = intake(content)
    monkeypatch.setattr("shared.ingest.loading.commits.reach", at(point, unavailable))
    loader.load(upload_id, never)
    table = "movies" if content == SMALL else f"movies_u{upload(engine, upload_id)['number']}"
    assert rows(engine, f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(0,)]
    assert rows(engine, "SELECT DISTINCT state, read_records FROM batches") == [("pending", 0)]
    monkeypatch.undo()
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_a_publisher_whose_claim_was_taken_publishes_nothing(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = intake(LARGE)
    take_over = "UPDATE uploads SET epoch = epoch + 1, lease_until = NULL"
    monkeypatch.setattr(
        "shared.ingest.publishing.large_upload.reach", at("publish.built", lambda: change(engine, take_over))
    )
    before = upload(engine, upload_id)["epoch"]
    loader.load(upload_id, never)
    found = upload(engine, upload_id)
    assert (found["state"], found["epoch"]) == ("loading", before + 2)  # claimed, and taken over
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM collection_totals") == [(0,)]
    monkeypatch.undo()
    loader.load(upload_id, never)
    assert rows(engine, "SELECT count(*) FROM movies") == [(180,)]


@SIZES
def test_bytes_that_changed_on_the_disk_are_not_published(
    engine: Engine, settings: Settings, loader: Loader, intake: Intake, content: bytes
) -> None:
    """One bit: in the only batch of a small upload, in the second one of a large upload."""
    upload_id = intake(content)
    start, end = rows(engine, "SELECT byte_start, byte_end FROM batches ORDER BY number LIMIT 2")[-1]
    path = settings.upload_dir / upload(engine, upload_id)["storage_key"]
    changed = bytearray(content)
    changed[(start + end) // 2] ^= 1
    path.write_bytes(changed)
    loader.load(upload_id, never)
    found = upload(engine, upload_id)
    assert (found["state"], found["error_code"]) == ("failed", "stored_file_corrupt")
    assert f"bytes {start} to {end} of the stored file" in found["error_message"]
    assert rows(engine, "SELECT count(*) FROM batches WHERE state = 'done'") == [(int(content == LARGE),)]
    for table in ("movies", "collection_totals"):
        assert rows(engine, f"SELECT count(*) FROM {table}") == [(0,)]
    path.write_bytes(content)
    retry(engine, upload_id, "public")
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


# -- the end of an upload -------------------------------------------------------------------------------------------


def test_a_cancelled_uploads_batches_are_nobodys(
    engine: Engine, loader: Loader, intake: Intake, connection: LoaderConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the moment when its state is committed and its table is still there."""
    upload_id = intake(LARGE)
    work = begun(connection, upload_id)
    batch = claim_batch(connection, work, 60, 3)
    assert batch is not None
    records = read_records(loader, work, batch)
    assert validate_batch(work, records).rejected

    def go_on() -> None:
        with pytest.raises(LostLease):
            commit(connection, work, batch, records)
        assert claim_batch(connection, work, 60, 3) is None

    monkeypatch.setattr("shared.ingest.lifecycle.actions.reach", at("cancel.committed", go_on))
    cancel(engine, upload_id, "public")
    assert rows(engine, "SELECT count(*) FROM rejects") == [(0,)]


def test_a_failed_uploads_batches_are_nobodys(
    engine: Engine, loader: Loader, intake: Intake, connection: LoaderConnection
) -> None:
    work = begun(connection, intake(movies({"title": ""}, *[{}] * 60), budget=Budget("abort")))
    first, second = claim_batch(connection, work, 60, 3), claim_batch(connection, work, 60, 3)
    assert first is not None
    assert second is not None
    commit(connection, work, first, read_records(loader, work, first))
    assert rows(engine, "SELECT state, error_code FROM uploads") == [("failed", "too_many_rejects")]
    with pytest.raises(LostLease):
        commit(connection, work, second, read_records(loader, work, second))
    assert rows(engine, "SELECT count(*) FROM batches WHERE state = 'done'") == [(1,)]


def test_an_upload_that_was_cancelled_is_not_failed(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loader finds a mistake in it that would otherwise fail it."""
    upload_id = intake(SMALL)

    def end() -> None:
        loader.storage.delete(upload(engine, upload_id)["storage_key"])
        cancel(engine, upload_id, "public")

    monkeypatch.setattr("shared.ingest.loading.loader.reach", at("batch.claimed", end))
    assert loader.load(upload_id, never) is False
    found = upload(engine, upload_id)
    assert (found["state"], found["error_code"]) == ("cancelled", None)


@SIZES
def test_a_budget_is_exact(engine: Engine, loader: Loader, intake: Intake, content: bytes) -> None:
    rejected = 1 if content == SMALL else 20
    within = intake(content, budget=Budget(max_rejects=rejected))
    beyond = intake(content, budget=Budget(max_rejects=rejected - 1))
    for upload_id in (within, beyond):
        loader.load(upload_id, never)
    assert upload(engine, within)["state"] == "completed"
    found = upload(engine, beyond)
    assert (found["state"], found["error_code"]) == ("failed", "too_many_rejects")
    kept = "SELECT count(*) FROM rejects WHERE upload_number = :number"
    assert rows(engine, kept, number=found["number"]) == [(rejected,)]  # the person who corrects the file needs them


def test_the_rest_of_a_file_over_its_budget_is_not_loaded(engine: Engine, loader: Loader, intake: Intake) -> None:
    upload_id = intake(LARGE, budget=Budget(max_rejects=1))
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["error_code"] == "too_many_rejects"
    pending, count = rows(engine, "SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FROM batches")[0]
    assert pending > count / 2


# -- recovery -------------------------------------------------------------------------------------------------------


def test_a_retry_forgets_the_attempts_of_a_batch(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings, connection: LoaderConnection
) -> None:
    upload_id = intake(LARGE)
    work = begun(connection, upload_id)
    for _ in range(settings.max_attempts):
        assert claim_batch(connection, work, 0, settings.max_attempts) is not None
    sweep(engine, settings, Notifier(), [Transport.CELERY])
    assert upload(engine, upload_id)["error_code"] == "attempts_exhausted"
    retry(engine, upload_id, "public")
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_the_sweep_waits_for_the_last_attempt_of_a_batch(
    engine: Engine, intake: Intake, settings: Settings, connection: LoaderConnection
) -> None:
    upload_id = intake(SMALL)
    work = begun(connection, upload_id)
    for lease_seconds in (*[0] * (settings.max_attempts - 1), 60):
        assert claim_batch(connection, work, lease_seconds, settings.max_attempts) is not None
    sweep(engine, settings, Notifier(), [Transport.CELERY])
    assert upload(engine, upload_id)["state"] == "loading"


def test_a_publication_that_crashes_ends_the_upload_and_a_retry_forgets_it(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = intake(LARGE)
    monkeypatch.setattr("shared.ingest.publishing.large_upload.reach", at("publish.built", crash))
    for _ in range(settings.max_attempts):
        with pytest.raises(RuntimeError):
            loader.load(upload_id, never)
    monkeypatch.undo()
    sweep(engine, settings, Notifier(), [Transport.CELERY])
    found = upload(engine, upload_id)
    assert (found["error_code"], found["error_message"]) == ("attempts_exhausted", "publishing stopped 3 times")
    retry(engine, upload_id, "public")
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_the_indexes_that_are_built_are_counted_for_who_watches(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = intake(LARGE)
    seen = []

    def look_and_crash() -> None:
        found = upload(engine, upload_id)
        seen.append((found["phase"], found["index_steps_done"], found["index_steps_total"]))
        crash()

    for point in ("publish.claimed", "publish.built"):
        monkeypatch.setattr("shared.ingest.publishing.large_upload.reach", at(point, look_and_crash))
        with pytest.raises(RuntimeError):
            loader.load(upload_id, never)
    claimed, built = seen
    assert claimed == ("indexing", None, None)
    assert built[0] == "indexing"
    assert built[1] == built[2] > 5


def test_the_sweep_notifies_when_what_it_did_is_committed(engine: Engine, intake: Intake, settings: Settings) -> None:
    """Otherwise a loader that answers at once waits for the sweep's locks, and a rollback forgets the notification."""
    intake(SMALL)
    forget_notifications(engine)
    seen = []

    def notify(_upload_id: uuid.UUID, _transport: Transport) -> bool:
        seen.extend(rows(engine, "SELECT notified_at > now() - interval '1 minute' FROM uploads"))
        return True

    sweep(engine, settings, notify, [Transport.CELERY])
    assert seen == [(True,)]


def test_retention_removes_only_files_without_a_use(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings
) -> None:
    waiting = upload(engine, intake(SMALL))["storage_key"]
    orphan = loader.storage.new_key()
    (settings.upload_dir / orphan).write_bytes(SMALL)
    two_hours_ago = time.time() - 7200
    for key in (waiting, orphan):
        os.utime(settings.upload_dir / key, (two_hours_ago, two_hours_ago))
    apply_retention(engine, loader.storage, settings)
    assert [key for key, _ in loader.storage.list_objects()] == [waiting]


# -- once -----------------------------------------------------------------------------------------------------------


def test_the_same_file_is_loaded_once_for_each_tenant(intake: Intake) -> None:
    first, again, other = (intake(SMALL, tenant=tenant, forced=False) for tenant in ("one", "one", "two"))
    assert first == again
    assert first != other
