"""Figures for operators: right at each moment of an upload, and asked over few rows however many there were."""

import json

import pytest
from sqlalchemy import Engine, text

from shared.database.engine import PlainSql
from shared.database.state_machine import UploadState
from shared.ingest import system_figures
from shared.ingest.loading.loader import Loader
from shared.ingest.merging import control
from shared.ingest.system_figures import SystemFigures
from shared.ingest.words.filler import fill_all
from tests.conftest import REGISTRY, Intake
from tests.rows import movies

SMALL = movies({})
LARGE = movies(*({"title": f"Film {number}"} for number in range(200)))


def figures(engine: Engine) -> SystemFigures:
    with engine.begin() as connection:
        return system_figures.measure(PlainSql(connection), REGISTRY)


def test_nothing_is_there_at_first(engine: Engine) -> None:
    found = figures(engine)
    assert found.uploads == {UploadState.QUEUED: 0, UploadState.LOADING: 0}
    assert (found.pending_batches, found.oldest_waiting_seconds, found.leaves, found.most_leaves) == (0, 0, 0, 0)
    assert not found.is_merging_paused


def test_they_follow_an_upload(engine: Engine, intake: Intake, loader: Loader) -> None:
    upload_id = intake(LARGE)
    with engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET created_at = now() - interval '1 hour'"))
    waiting = figures(engine)
    assert waiting.uploads[UploadState.QUEUED] == 1
    assert waiting.pending_batches > 3
    assert 3600 <= waiting.oldest_waiting_seconds < 3700
    stops = iter((False, True))
    assert loader.load(upload_id, lambda: next(stops, True))
    begun = figures(engine)
    assert begun.uploads == {UploadState.QUEUED: 0, UploadState.LOADING: 1}
    assert begun.pending_batches == waiting.pending_batches - 1
    assert not loader.load(upload_id, lambda: False)
    done = figures(engine)
    assert (done.pending_batches, done.oldest_waiting_seconds) == (0, 0)
    assert (done.leaves, done.most_leaves, done.leaves_without_words, done.unknown_words) == (1, 1, 1, 1)


def test_a_batch_that_is_held_does_not_wait(engine: Engine, intake: Intake) -> None:
    intake(SMALL)
    with engine.begin() as connection:
        connection.execute(text("UPDATE batches SET lease_until = clock_timestamp() + interval '1 minute'"))
        connection.execute(text("UPDATE uploads SET lease_until = clock_timestamp() + interval '1 minute'"))
    found = figures(engine)
    assert (found.leased_batches, found.leased_publishings) == (1, 1)
    assert found.oldest_waiting_seconds == 0
    with engine.begin() as connection:
        connection.execute(text("UPDATE batches SET lease_until = clock_timestamp() - interval '1 minute'"))
    found = figures(engine)
    assert found.leased_batches == 0
    assert found.oldest_waiting_seconds > 0


def test_words_and_merging_are_seen(engine: Engine, intake: Intake, loader: Loader) -> None:
    for tenant in ("one", "two"):
        loader.load(intake(SMALL, tenant=tenant), lambda: False)
    assert figures(engine).unknown_words == 2
    fill_all(engine, REGISTRY)
    assert figures(engine).unknown_words == 0
    with engine.begin() as connection:
        control.pause(PlainSql(connection))
    assert figures(engine).is_merging_paused


@pytest.mark.parametrize("table", ["uploads", "batches"])
def test_only_active_uploads_and_pending_batches_are_read(engine: Engine, table: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(text(f"EXPLAIN (FORMAT JSON) {system_figures._LOADING}")).scalar_one()
    used = json.dumps(plan)
    assert {"uploads": "ix_uploads_active", "batches": "ix_batches_pending"}[table] in used
    assert "Seq Scan" not in used
