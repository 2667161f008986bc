"""What operators decide about tenants: what is loaded, and how long rows are kept."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from api.limits import tenant_limits
from api.limits.tenant_limits import DecidedLimits, TenantLimits
from shared.catalog.write_mode import WriteMode
from shared.database.engine import create_read_engine
from shared.errors import InvalidRequest, NotFound, StateConflict
from shared.ingest.lifecycle.row_retention import undo_expired
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.loading.loader import Loader
from shared.ingest.operating import queue
from shared.ingest.operating.tenant_settings import Decided, all_decided, decide, decided_of
from shared.messaging import Transport
from shared.settings import Settings
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.test_loader import LARGE, SMALL, never, rows
from tests.integration.ingest.test_promises import change
from tests.rows import movies, titles

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

STATES = "SELECT state FROM uploads ORDER BY number"
HISTORY = """
SELECT event, reason FROM upload_events JOIN uploads ON number = upload_number WHERE uploads.id = :id
ORDER BY upload_events.id
"""


@pytest.fixture
def decided(engine: Engine) -> Callable[..., Decided]:
    def decision(tenant: str, **changes: Any) -> Decided:
        with engine.begin() as connection:
            return decide(connection, tenant, changes)

    return decision


Decide = Callable[..., Decided]


def notified(engine: Engine, settings: Settings) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()

    def note(upload_id: uuid.UUID, _transport: Transport) -> bool:
        found.add(upload_id)
        return True

    sweep(engine, settings, note, tuple(Transport))
    return found


def make_old(engine: Engine, days: float) -> None:
    change(engine, f"UPDATE uploads SET finished_at = finished_at - interval '{days} days'")


def test_decisions_are_changed_one_by_one_and_forgotten(engine: Engine, decided: Decide) -> None:
    decided("films", requests_per_minute=5, concurrent_uploads=2)
    made = decided("films", requests_per_minute=None, is_paused=True)
    assert (made.requests_per_minute, made.concurrent_uploads, made.is_paused) == (None, 2, True)
    with engine.connect() as connection:
        assert all_decided(connection) == [made]
        assert decided_of(connection, "other") == Decided("other")


@pytest.mark.parametrize(
    "changes",
    [
        {"requests_per_minute": -1},
        {"concurrent_uploads": 0},
        {"row_retention_days": 0},
        {"upload_retention_days": 0},
        {"upload_bytes_per_day": 2**63},
    ],
)
def test_what_cannot_be_is_refused(decided: Decide, changes: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(changes))):
        decided("films", **changes)
    with pytest.raises(InvalidRequest, match="a tenant has"):
        decided("No tenant")


def test_limits_are_those_of_the_tenant_and_change_within_seconds(
    settings: Settings, decided: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided("films", requests_per_minute=0, concurrent_uploads=7)

    async def ask() -> list[TenantLimits]:
        engine = create_read_engine(settings)
        try:
            limits = DecidedLimits(settings, engine)
            found = [await limits.of("films"), await limits.of("other")]
            await asyncio.to_thread(decided, "films", concurrent_uploads=8)
            found.append(await limits.of("films"))
            monkeypatch.setattr(tenant_limits, "KEPT_SECONDS", -1.0)
            fresh = DecidedLimits(settings, engine)
            await fresh.of("films")
            await asyncio.to_thread(decided, "films", concurrent_uploads=9)
            return [*found, await fresh.of("films")]
        finally:
            await engine.dispose()

    of_films, of_others, kept, fresh = asyncio.run(ask())
    usual = (
        settings.tenant_requests_per_minute,
        settings.tenant_upload_bytes_per_day,
        settings.tenant_concurrent_uploads,
    )
    assert of_others == TenantLimits(*usual)
    assert of_films == kept == TenantLimits(0, usual[1], 7)
    assert fresh.concurrent_uploads == 9


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_of_a_paused_tenant_is_loaded_and_others_are(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader, decided: Decide, content: bytes
) -> None:
    decided("films", is_paused=True)
    paused, other = intake(content, tenant="films"), intake(content, tenant="other")
    change(engine, "UPDATE uploads SET notified_at = NULL")
    assert notified(engine, settings) == {other}
    assert loader.answer(paused, never)  # the other one is loaded instead
    assert not loader.answer(paused, never)
    assert rows(engine, STATES) == [("queued",), ("completed",)]
    decided("films", is_paused=False)
    assert notified(engine, settings) == {paused}
    loader.answer(paused, never)
    assert rows(engine, STATES) == [("completed",), ("completed",)]


def test_rows_are_kept_for_as_long_as_it_is_decided(
    engine: Engine, intake: Intake, loader: Loader, decided: Decide
) -> None:
    uploads = {tenant: intake(content, tenant=tenant) for tenant, content in (("films", SMALL), ("other", SMALL))}
    large = intake(LARGE, tenant="films")
    for upload_id in (*uploads.values(), large):
        loader.load(upload_id, never)
    decided("films", row_retention_days=30)
    make_old(engine, 29)
    undo_expired(engine, REGISTRY)
    assert rows(engine, STATES) == [("completed",)] * 3
    make_old(engine, 2)
    undo_expired(engine, REGISTRY)
    undo_expired(engine, REGISTRY)
    assert sorted(rows(engine, STATES)) == [("completed",), ("undone",), ("undone",)]
    assert rows(engine, "SELECT tenant, count(*) FROM movies GROUP BY 1") == [("other", 2)]
    events = rows(engine, HISTORY, id=uploads["films"])
    assert sorted(events[-2:]) == [("expired", "retention: rows are kept for 30 days"), ("undone", None)]
    assert [event for event, _ in events].count("expired") == 1
    sums = "SELECT tenant, sum(row_count)::int FROM collection_totals WHERE breakdown = 'rows' GROUP BY 1 ORDER BY 1"
    assert rows(engine, sums) == [("films", 0), ("other", 2)]


def test_what_replaces_or_updates_stays_because_older_rows_would_come_back(
    engine: Engine, intake: Intake, loader: Loader, decided: Decide
) -> None:
    name = "title.basics.tsv"
    loader.load(intake(titles({"primaryTitle": "Old"}), name, mode=WriteMode.APPEND), never)
    loader.load(intake(titles({"primaryTitle": "New"}), name, mode=WriteMode.UPSERT), never)
    decided("public", row_retention_days=1)
    make_old(engine, 2)
    for _ in range(2):
        undo_expired(engine, REGISTRY)
    assert rows(engine, STATES) == [("undone",), ("completed",)]
    assert rows(engine, "SELECT title FROM movies") == [("New",)]


def test_a_correction_goes_with_what_it_corrects(
    engine: Engine, intake: Intake, correct: Correct, loader: Loader, decided: Decide
) -> None:
    loader.load(upload_id := intake(SMALL), never)
    loader.load(correct(upload_id, b"_line," + movies({}).replace(b"\r\n300", b"\r\n3,300")), never)
    decided("public", row_retention_days=1)
    make_old(engine, 2)
    undo_expired(engine, REGISTRY)
    assert rows(engine, STATES) == [("undone",), ("undone",)]
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]


def test_an_operator_sees_and_ends_uploads_of_any_tenant(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader
) -> None:
    first, second = intake(LARGE, tenant="films"), intake(SMALL, tenant="other")
    with engine.connect() as connection:
        [films, other] = queue.active_uploads(connection, 10)
        assert queue.active_uploads(connection, 1) == [films]
    assert (films.id, films.tenant, films.held_batches, other.pending_batches) == (first, "films", 0, 1)
    assert notified(engine, settings) == set()
    with engine.begin() as connection:
        queue.notify_again(connection, second)
    assert notified(engine, settings) == {second}
    queue.cancel(engine, first)
    assert rows(engine, STATES) == [("cancelled",), ("queued",)]
    loader.load(second, never)
    with engine.begin() as connection, pytest.raises(StateConflict):
        queue.notify_again(connection, second)
    with pytest.raises(NotFound):
        queue.cancel(engine, uuid.uuid4())
