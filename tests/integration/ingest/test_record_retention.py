"""Retention of records: which uploads are forgotten, and that nobody is told anything wrong afterwards."""

import os
from collections import Counter

import pytest
from sqlalchemy import Engine, text

from shared.errors import HistoryExpired
from shared.ingest.lifecycle.actions import cancel
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.record_retention import forget_ended
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.loading.loader import Loader
from shared.ingest.operating.tenant_settings import decide
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.follower import Follower
from tests.integration.ingest.test_loader import SMALL, never, rows
from tests.integration.ingest.test_write_modes import APPEND, check_kept_sums, contents
from tests.integration.ingest.titles import Load
from tests.rows import movies

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

STATES = "SELECT state FROM uploads ORDER BY number"
SOURCE = """
INSERT INTO sources (id, tenant, name, address, parameters, transport, upload_id)
SELECT id, tenant, 'films', 'https://data.example/a.csv', '{}', 'background', id FROM uploads
"""
KEY = """
INSERT INTO idempotency_keys (tenant, key, holder, lease_until, upload_id)
SELECT tenant, 'key', id, now(), id FROM uploads
"""
# What belongs to uploads.
PARTS = "SELECT count(*) FROM {part} WHERE upload_number NOT IN (SELECT number FROM uploads)"
MOMENTS = {
    "uploads": ("created_at", "finished_at"),
    "upload_events": ("at",),
    "collection_versions": ("at",),
    "idempotency_keys": ("created_at",),
}


def make_old(engine: Engine, days: int) -> None:
    with engine.begin() as connection:
        for table, columns in MOMENTS.items():
            changes = ", ".join(f"{column} = {column} - interval '{days} days'" for column in columns)
            connection.execute(text(f"UPDATE {table} SET {changes}"))


def keep(engine: Engine, days: int, tenant: str = "public") -> None:
    with engine.begin() as connection:
        decide(connection, tenant, {"upload_retention_days": days})


def test_what_ended_long_ago_is_forgotten_with_all_that_belongs_to_it(
    engine: Engine, intake: Intake, loader: Loader
) -> None:
    failing = movies({"release_date": "never"})
    failed, completed, of_another = intake(failing), intake(SMALL), intake(failing, tenant="other")
    cancelled = intake(movies({"title": "Beta"}))
    cancel(engine, cancelled, "public")
    for upload_id in (failed, completed, of_another):
        loader.load(upload_id, never)
    before = rows(engine, STATES)
    assert before == [("failed",), ("completed",), ("failed",), ("cancelled",)]
    keep(engine, 30)
    make_old(engine, 29)
    forget_ended(engine)
    assert rows(engine, STATES) == before
    make_old(engine, 2)
    forget_ended(engine)
    assert rows(engine, STATES) == [("completed",), ("failed",)]
    for part in ("batches", "upload_events", "rejects", "upload_totals"):
        assert rows(engine, PARTS.format(part=part)) == [(0,)]
    check_kept_sums(engine)


def test_without_a_decision_records_stay(engine: Engine, intake: Intake) -> None:
    cancel(engine, intake(SMALL), "public")
    make_old(engine, 10_000)
    forget_ended(engine)
    assert rows(engine, STATES) == [("cancelled",)]


def test_what_happened_last_decides(engine: Engine, intake: Intake, loader: Loader) -> None:
    """An upload that was completed long ago, and has just been undone, is not old."""
    loader.load(upload_id := intake(SMALL), never)
    make_old(engine, 100)
    undo(engine, REGISTRY, upload_id, "public")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM collection_versions"))
    keep(engine, 30)
    forget_ended(engine)
    assert rows(engine, STATES) == [("undone",)]


def test_an_undone_upload_is_forgotten_when_no_version_needs_it(engine: Engine, follower: Follower, load: Load) -> None:
    first = load({"tt1": "a"}, APPEND)
    undone = load({"tt2": "a"}, APPEND)
    undo(engine, REGISTRY, undone, "public")
    drop_withdrawn(engine, REGISTRY)
    keep(engine, 30)
    make_old(engine, 31)
    moment = rows(engine, "SELECT max(at) FROM collection_versions WHERE change = 'published'")[0][0]
    forget_ended(engine)  # somebody may look back: its versions are not pruned
    assert rows(engine, STATES) == [("completed",), ("undone",)]
    prune(engine, days=30)
    forget_ended(engine)  # its undo is the last version that is pruned, by which they learn that the past is gone
    assert rows(engine, STATES) == [("completed",), ("undone",)]
    with pytest.raises(HistoryExpired):
        follower.look_back(moment.isoformat())

    load({"tt3": "a"}, APPEND)
    make_old(engine, 31)
    moment = rows(engine, "SELECT max(at) FROM collection_versions WHERE change = 'undone'")[0][0]
    prune(engine, days=30)
    forget_ended(engine)
    assert rows(engine, STATES) == [("completed",), ("completed",)]
    assert rows(engine, "SELECT version FROM collection_versions ORDER BY version") == [(1,), (4,)]
    for before in (moment.isoformat(), str(first)):
        with pytest.raises(HistoryExpired):
            follower.look_back(before)
    follower.read()
    assert follower.contents == contents(engine) == Counter({("tt1", "a"): 1, ("tt3", "a"): 1})
    check_kept_sums(engine)


@pytest.mark.parametrize("naming", [SOURCE, KEY], ids=["a source", "the key of a request"])
def test_a_record_that_is_named_stays(engine: Engine, intake: Intake, naming: str) -> None:
    cancel(engine, intake(SMALL), "public")
    with engine.begin() as connection:
        connection.execute(text(naming))
    keep(engine, 30)
    make_old(engine, 31)
    forget_ended(engine)
    assert rows(engine, STATES) == [("cancelled",)]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM sources"))
        connection.execute(text("DELETE FROM idempotency_keys"))
    forget_ended(engine)
    assert rows(engine, STATES) == []


def test_a_correction_that_failed_goes_before_what_it_corrects(
    engine: Engine, intake: Intake, correct: Correct, loader: Loader
) -> None:
    loader.load(upload_id := intake(SMALL), never)
    correction = correct(upload_id, b"_line," + movies({}).replace(b"\r\n300", b"\r\n3,300"))
    cancel(engine, correction, "public")
    keep(engine, 30)
    make_old(engine, 31)
    rejects = rows(engine, "SELECT count(*) FROM rejects")
    forget_ended(engine)
    assert rows(engine, STATES) == [("completed",)]
    assert rows(engine, "SELECT count(*) FROM rejects") == rejects


def test_the_file_of_a_forgotten_upload_goes_as_that_of_nobody(
    engine: Engine, settings: Settings, intake: Intake
) -> None:
    cancel(engine, intake(SMALL), "public")
    [path] = settings.upload_dir.iterdir()
    keep(engine, 1)
    make_old(engine, 2)
    forget_ended(engine)
    os.utime(path, (0, 0))
    apply_retention(engine, open_storage(settings), settings)
    assert not path.exists()
