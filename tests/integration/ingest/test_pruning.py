"""Retention of superseded rows: what is dropped, what stays, and what is no longer possible then."""

import uuid
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.errors import StateConflict
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.loading.loader import Loader
from shared.ingest.merging.merger import merge_all
from shared.settings import Settings
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.merging import eager, leaves
from tests.integration.ingest.test_loader import never, rows, upload
from tests.integration.ingest.test_write_modes import APPEND, REPLACE, UPSERT, check_kept_sums, contents
from tests.integration.ingest.titles import FILLER, Load, titles

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

# What there is of superseded rows, and of what was done to rows.
KEPT = """
SELECT (SELECT count(*) FROM movies_history), (SELECT count(*) FROM movies_superseded),
       (SELECT count(*) FROM merges WHERE superseded_by IS NOT NULL),
       (SELECT count(DISTINCT upload_number) FROM row_changes), (SELECT count(*) FROM touched_rows)
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A file with the filler is large and has several batches."""
    return settings.model_copy(update={"small_upload_bytes": 512, "batch_bytes": 512})


def kept(engine: Engine) -> dict[str, Any]:
    [found] = rows(engine, KEPT)
    return dict(zip(("history", "superseded", "merges", "changed by", "touched"), found, strict=True))


def make_old(engine: Engine) -> None:
    """Everything was done ten days ago."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE collection_versions SET at = at - interval '10 days'"))


def tables(engine: Engine) -> list[str]:
    sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^movies_[umwx][0-9]+$' ORDER BY oid"
    return [name for (name,) in rows(engine, sql)]


@pytest.fixture
def history(engine: Engine, settings: Settings, load: Load) -> list[uuid.UUID]:
    """Appends, large ones merged and a small one; an upsert; a replacement; an undo. Then all of it grows old."""
    uploads = [load({f"tt{number}": "a"} | FILLER, APPEND) for number in range(2)]
    merge_all(eager(engine, settings))
    uploads += [
        load({"tt2": "a"}, APPEND),
        load({"tt1": "b", "tt2": "a"}, UPSERT),
        load({"tt2": "a"} | FILLER, REPLACE),
    ]
    undo(engine, REGISTRY, load({"tt8": "a"}, APPEND), "public")
    make_old(engine)
    return uploads


@pytest.mark.usefixtures("history")
def test_what_is_younger_is_kept(engine: Engine) -> None:
    before = kept(engine)
    assert all(before.values())
    prune(engine, days=11)
    assert kept(engine) == before
    assert rows(engine, "SELECT pruned_version FROM collections") == [(0,)]


def test_what_was_superseded_long_ago_is_gone_and_what_is_seen_is_not(
    engine: Engine, load: Load, history: list[uuid.UUID]
) -> None:
    upserting = load({"tt2": "b"}, UPSERT)
    undo(engine, REGISTRY, load({"tt9": "a"}, APPEND), "public")
    before = contents(engine)
    prune(engine, days=9)
    assert contents(engine) == before == Counter(({"tt2": "b"} | FILLER).items())
    # Of the upsert and the undo of today there is everything.
    assert kept(engine) == {"history": 1, "superseded": 0, "merges": 0, "changed by": 1, "touched": 1}
    assert tables(engine) == [f"movies_u{upload(engine, history[-1])['number']}"]
    assert [upload(engine, each)["state"] for each in history] == ["completed"] * len(history)
    check_kept_sums(engine)
    undo(engine, REGISTRY, upserting, "public")
    assert contents(engine) == Counter(({"tt2": "a"} | FILLER).items())
    prune(engine, days=9)
    prune(engine, days=0)
    drop_withdrawn(engine, REGISTRY)
    assert contents(engine) == Counter(({"tt2": "a"} | FILLER).items())
    check_kept_sums(engine)


def test_what_has_replaced_or_updated_cannot_be_undone_any_more(engine: Engine, history: list[uuid.UUID]) -> None:
    prune(engine, days=9)
    before = contents(engine)
    for upload_id in history[3:]:
        with pytest.raises(StateConflict, match="no longer kept"):
            undo(engine, REGISTRY, upload_id, "public")
        assert upload(engine, upload_id)["state"] == "completed"
    assert contents(engine) == before
    check_kept_sums(engine)


def test_what_was_appended_can_be_undone_all_the_same(engine: Engine, load: Load, history: list[uuid.UUID]) -> None:
    """Whether its rows are seen, or are gone because it was replaced."""
    small, large = load({"tt5": "a"}, APPEND), load({"tt6": "a"} | FILLER, APPEND)
    make_old(engine)
    prune(engine, days=9)
    for upload_id in (*history[:3], small, large):
        undo(engine, REGISTRY, upload_id, "public")
        assert upload(engine, upload_id)["state"] == "undone"
    drop_withdrawn(engine, REGISTRY)
    assert contents(engine) == Counter(({"tt2": "a"} | FILLER).items())
    assert tables(engine) == [f"movies_u{upload(engine, history[-1])['number']}"]
    check_kept_sums(engine)


def test_merges_go_over_the_ids_of_what_is_gone(
    engine: Engine, settings: Settings, loader: Loader, intake: Intake, load: Load
) -> None:
    """The upload that replaces the other has the lower ids, so the leaf that may come back is between two."""
    replacing = intake(titles({"tt2": "a"} | FILLER), "title.basics.tsv", mode=REPLACE)
    load({"tt1": "a"} | FILLER, APPEND)
    loader.load(replacing, never)
    load({"tt3": "a"} | FILLER, APPEND)
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 3  # of which readers see two
    make_old(engine)
    prune(engine, days=9)
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 1
    assert contents(engine)["tt2", "a"] == contents(engine)["tt3", "a"] == 1
    check_kept_sums(engine)
