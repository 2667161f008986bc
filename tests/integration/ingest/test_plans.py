"""Plans: who decides about them and when, and what happens if something else is published first."""

import threading
import uuid
from collections import Counter

import pytest
from sqlalchemy import Engine, text

from shared.catalog.write_mode import WriteMode
from shared.database import state_machine
from shared.database.engine import PlainSql
from shared.database.queries.changes import listed_changes
from shared.errors import PlanStale, StateConflict
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.plans import apply, expire_plans, plan_tag
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.merging.merger import merge_all
from shared.settings import Settings
from tests.conftest import REGISTRY
from tests.integration.ingest.merging import eager, leaves, unattached
from tests.integration.ingest.test_loader import never, rows, upload
from tests.integration.ingest.test_write_modes import APPEND, REPLACE, UPSERT, check_kept_sums, contents, counts
from tests.integration.ingest.titles import FILLER, Load

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A file with the filler is large and has several batches."""
    return settings.model_copy(update={"small_upload_bytes": 512, "batch_bytes": 512})


EVENTS = "SELECT event FROM upload_events WHERE upload_number = :number ORDER BY id"


def events(engine: Engine, upload_id: uuid.UUID) -> list[str]:
    return [event for (event,) in rows(engine, EVENTS, number=upload(engine, upload_id)["number"])]


def tag_of(engine: Engine, upload_id: uuid.UUID) -> str:
    return plan_tag(upload(engine, upload_id)["planned_at"])


def make_old(engine: Engine, upload_id: uuid.UUID) -> None:
    """It was planned two hours ago."""
    with engine.begin() as connection:
        sql = "UPDATE uploads SET planned_at = planned_at - interval '2 hours' WHERE id = :id"
        connection.execute(text(sql), {"id": upload_id})


@pytest.mark.parametrize("mode", [APPEND, REPLACE, UPSERT])
def test_readers_see_nothing_of_a_plan_until_it_is_applied(
    engine: Engine, loader: Loader, load: Load, mode: WriteMode
) -> None:
    load({"tt1": "a"}, APPEND)
    planned = load({"tt1": "b", "tt2": "b"} | FILLER, mode, plan=True)
    assert upload(engine, planned)["state"] == "planned"
    assert contents(engine) == Counter({("tt1", "a"): 1})
    check_kept_sums(engine)
    loader.load(planned, never)  # a notification that comes late
    assert upload(engine, planned)["state"] == "planned"
    assert apply(engine, planned, "public", None)
    assert contents(engine) == Counter({("tt1", "a"): 1})
    loader.load(planned, never)
    assert contents(engine)["tt1", "b"] == contents(engine)["tt2", "b"] == 1
    assert contents(engine)["tt1", "a"] == (1 if mode is APPEND else 0)
    check_kept_sums(engine)


def test_a_plan_that_nobody_applies_in_time_is_cancelled(engine: Engine, load: Load) -> None:
    old, fresh = (load({"tt1": value} | FILLER, UPSERT, plan=True) for value in "ab")
    make_old(engine, old)
    expire_plans(engine, hours=3)
    assert upload(engine, old)["state"] == "planned"
    expire_plans(engine, hours=1)
    assert [upload(engine, each)["state"] for each in (old, fresh)] == ["cancelled", "planned"]
    assert events(engine, old)[-2:] == ["cancelled", "plan_expired"]
    number = upload(engine, fresh)["number"]
    assert rows(engine, "SELECT relname FROM pg_class WHERE relname ~ '^movies_[uw][0-9]+$'") == [
        (f"movies_w{number}",)
    ]


def test_a_plan_that_is_applied_at_the_last_moment_is_published(engine: Engine, loader: Loader, load: Load) -> None:
    """It is applied while the sweep is about to cancel it, and waits for the lock of its row."""
    planned = load({"tt1": "a"}, APPEND, plan=True)
    make_old(engine, planned)
    sweeping = threading.Thread(target=expire_plans, args=(engine, 1))
    with engine.begin() as connection:
        assert state_machine.apply(PlainSql(connection), planned, "public") is not None
        sweeping.start()
        sweeping.join(1)
        assert sweeping.is_alive()
    sweeping.join(30)
    assert upload(engine, planned)["state"] == "queued"
    loader.load(planned, never)
    assert contents(engine) == Counter({("tt1", "a"): 1})
    assert "plan_expired" not in events(engine, planned)


def test_an_applied_plan_does_not_expire(engine: Engine, load: Load) -> None:
    planned = load({"tt1": "a"}, APPEND, plan=True)
    make_old(engine, planned)
    assert apply(engine, planned, "public", None)
    expire_plans(engine, hours=1)
    assert upload(engine, planned)["state"] == "queued"


@pytest.mark.parametrize("mode", [REPLACE, UPSERT])
def test_a_plan_that_is_stale_when_it_is_published_waits_again(
    engine: Engine, loader: Loader, load: Load, mode: WriteMode
) -> None:
    load({"tt1": "a"}, APPEND)
    planned = load({"tt1": "b", "tt2": "b"}, mode, plan=True)
    before, tag = counts(engine, planned), tag_of(engine, planned)
    assert before == {"new": 1, "changed": 1, "unchanged": 0, "removed": 0}
    assert apply(engine, planned, "public", tag)
    load({"tt2": "b", "tt3": "c"}, APPEND)
    visible = contents(engine)
    loader.load(planned, never)
    assert upload(engine, planned)["state"] == "planned"
    assert events(engine, planned)[-2:] == ["plan_stale", "planned"]
    assert contents(engine) == visible
    assert counts(engine, planned) == {"new": 0, "changed": 1, "unchanged": 1, "removed": 1 if mode is REPLACE else 0}
    with pytest.raises(PlanStale):
        apply(engine, planned, "public", tag)
    assert upload(engine, planned)["state"] == "planned"
    assert apply(engine, planned, "public", f'"other", {tag_of(engine, planned)}')
    loader.load(planned, never)
    expected = {"tt1": "b", "tt2": "b"} | ({} if mode is REPLACE else {"tt3": "c"})
    assert contents(engine) == Counter(expected.items())
    check_kept_sums(engine)
    undo(engine, REGISTRY, planned, "public")
    assert contents(engine) == visible


def test_a_plan_that_is_stale_when_it_is_applied_is_counted_anew(engine: Engine, loader: Loader, load: Load) -> None:
    planned = load({"tt1": "b"}, UPSERT, plan=True)
    tag = tag_of(engine, planned)
    load({"tt1": "a"}, APPEND)
    assert not apply(engine, planned, "public", tag)
    loader.load(planned, never)
    assert (upload(engine, planned)["state"], tag_of(engine, planned) == tag) == ("planned", False)
    assert counts(engine, planned) == {"new": 0, "changed": 1, "unchanged": 0, "removed": 0}
    assert contents(engine) == Counter({("tt1", "a"): 1})


def test_the_plan_of_an_append_is_never_stale(engine: Engine, loader: Loader, load: Load) -> None:
    planned = load({"tt1": "b"}, APPEND, plan=True)
    load({"tt1": "a"}, REPLACE)
    assert apply(engine, planned, "public", None)
    load({"tt1": "c"}, APPEND)
    loader.load(planned, never)
    assert contents(engine) == Counter({("tt1", value): 1 for value in "abc"})
    assert counts(engine, planned) == {"new": 1, "changed": 0, "unchanged": 0, "removed": 0}


def test_only_a_plan_that_the_client_has_seen_is_applied(engine: Engine, load: Load) -> None:
    planned = load({"tt1": "a"}, APPEND, plan=True)
    for other in ('"0"', "", tag_of(engine, planned).strip('"')):
        with pytest.raises(PlanStale):
            apply(engine, planned, "public", other)
    assert upload(engine, planned)["state"] == "planned"
    assert apply(engine, planned, "public", "*")


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_what_replaces_an_empty_collection_is_new(
    engine: Engine, loader: Loader, load: Load, filler: dict[str, str]
) -> None:
    values = {"tt1": "a"} | filler
    planned = load(values, REPLACE, plan=True)
    expected = {"new": len(values), "changed": 0, "unchanged": 0, "removed": 0}
    assert counts(engine, planned) == expected
    assert apply(engine, planned, "public", None)
    loader.load(planned, never)
    assert counts(engine, planned) == expected
    assert contents(engine) == Counter(values.items())
    undo(engine, REGISTRY, planned, "public")
    assert contents(engine) == Counter()


def test_a_merge_leaves_room_for_what_waits(engine: Engine, settings: Settings, loader: Loader, load: Load) -> None:
    load({"tt1": "a"} | FILLER, APPEND)
    planned = load({"tt2": "a"} | FILLER, APPEND, plan=True)
    load({"tt3": "a"} | FILLER, APPEND)
    merge_all(eager(engine, settings))
    assert (len(leaves(engine)), len(unattached(engine))) == (2, 1)
    assert apply(engine, planned, "public", None)
    loader.load(planned, never)
    assert upload(engine, planned)["state"] == "completed"
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 1
    assert contents(engine)["tt1", "a"] == contents(engine)["tt2", "a"] == contents(engine)["tt3", "a"] == 1
    check_kept_sums(engine)


def test_a_merge_beside_a_plan_does_not_make_it_stale(
    engine: Engine, settings: Settings, loader: Loader, load: Load
) -> None:
    for key in ("tt1", "tt2"):
        load({key: "a"} | FILLER, APPEND)
    planned = load({"tt1": "b"}, UPSERT, plan=True)
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 1
    assert apply(engine, planned, "public", None)
    loader.load(planned, never)
    assert upload(engine, planned)["state"] == "completed"
    assert contents(engine)["tt1", "b"] == contents(engine)["tt2", "a"] == 1
    assert contents(engine)["tt1", "a"] == 0
    check_kept_sums(engine)


@pytest.mark.parametrize("mode", [APPEND, REPLACE, UPSERT])
def test_a_cancelled_plan_leaves_nothing_and_a_retry_plans_again(
    engine: Engine, loader: Loader, load: Load, mode: WriteMode
) -> None:
    load({"tt1": "a"}, APPEND)
    planned = load({"wrong": "", "tt1": "b"} | FILLER, mode, plan=True)
    expected = counts(engine, planned)
    cancel(engine, planned, "public")
    assert upload(engine, planned)["state"] == "cancelled"
    waiting = "SELECT relname FROM pg_class WHERE relname ~ '^movies_[uw][0-9]+$'"
    assert (
        rows(engine, waiting)
        == rows(engine, "SELECT * FROM rejects")
        == rows(engine, "SELECT * FROM row_changes")
        == []
    )
    with pytest.raises(StateConflict):
        apply(engine, planned, "public", None)
    retry(engine, planned, "public")
    loader.load(planned, never)
    assert upload(engine, planned)["state"] == "planned"
    assert counts(engine, planned) == expected
    assert contents(engine) == Counter({("tt1", "a"): 1})
    check_kept_sums(engine)


def test_the_changes_of_an_upload_are_its_own(engine: Engine, load: Load) -> None:
    load({"tt1": "a"}, APPEND)
    planned = load({"tt1": "b", "tt2": "b"}, UPSERT, plan=True)
    other = load({"tt3": "b"}, UPSERT, plan=True)

    def listed(upload_id: uuid.UUID) -> list[tuple[bool, bool]]:
        with engine.connect() as connection:
            found = connection.execute(listed_changes(upload(engine, upload_id)["number"], 0, 10))
            return [(row.old_id is None, row.new_id is None) for row in found]

    assert sorted(listed(planned)) == [(False, False), (True, False)]
    assert listed(other) == [(True, False)]
