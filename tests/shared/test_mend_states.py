"""A mending beside what else may happen to it and to the upload that it mends."""

import threading
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from shared.database.loading import LoadingConnection
from shared.errors import StateConflict
from shared.ingest.control import cancel, retry, undo
from shared.ingest.load import Loader, commit_batch
from shared.ingest.work import begin, claim_batch
from shared.settings import Settings
from tests.conftest import Accept, Mend
from tests.shared.mendings import account, check_totals, mended_movies, rejected_lines
from tests.shared.test_load import SMALL, never, rows, upload


@pytest.fixture
def connections(settings: Settings) -> Iterator[list[LoadingConnection]]:
    """Two of them."""
    opened = [LoadingConnection(settings), LoadingConnection(settings)]
    yield opened
    for connection in opened:
        connection.close()


def test_undo_of_the_parent_takes_mended_rows_along(
    engine: Engine, loader: Loader, accept: Accept, mend: Mend, parent: uuid.UUID
) -> None:
    kept = accept(SMALL)
    loader.load(kept, never)
    lines = rejected_lines(engine, parent)
    done = mend(parent, mended_movies(lines[0], "no line"))
    loader.load(done, never)
    waiting = mend(parent, mended_movies(*lines[1:] or lines))
    undo(engine, parent, "public")
    assert rows(engine, "SELECT count(*) FROM movies") == [(2,)]
    assert upload(engine, done)["state"] == "undone"
    assert rejected_lines(engine, done) == []
    check_totals(engine)
    loader.load(waiting, never)
    found = upload(engine, waiting)
    assert (found["state"], found["error_code"]) == ("failed", "mended_upload_ended")
    check_totals(engine)
    retry(engine, waiting, "public")
    loader.load(waiting, never)
    assert upload(engine, waiting)["state"] == "failed"


def test_a_parent_that_is_undone_while_a_mending_is_prepared(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    mending = mend(parent, mended_movies(*rejected_lines(engine, parent)))

    def undo_first(point: str) -> None:
        if point == "batch.prepared":
            undo(engine, parent, "public")

    monkeypatch.setattr("shared.ingest.load.reach", undo_first)
    loader.load(mending, never)
    assert upload(engine, mending)["error_code"] == "mended_upload_ended"
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    check_totals(engine)


def test_an_undo_waits_for_a_mending_that_commits(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    mending = mend(parent, mended_movies(*rejected_lines(engine, parent)))
    undoing = threading.Thread(target=undo, args=(engine, parent, "public"))

    def start_undo(point: str) -> None:
        if point == "mend.closed":
            undoing.start()
            undoing.join(0.5)
            assert undoing.is_alive()

    monkeypatch.setattr("shared.ingest.mended.reach", start_undo)
    loader.load(mending, never)
    undoing.join()
    assert [upload(engine, each)["state"] for each in (parent, mending)] == ["undone", "undone"]
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    check_totals(engine)


@pytest.mark.parametrize("point", ["batch.copied", "mend.closed", "batch.fenced"])
def test_readers_see_nothing_of_it_before_all_of_it(
    engine: Engine,
    loader: Loader,
    mend: Mend,
    parent: uuid.UUID,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    before = account(engine, parent)
    lines = rejected_lines(engine, parent)
    mending = mend(parent, mended_movies(*lines, "no line"))
    seen = []

    def look(reached: str) -> None:
        if reached == point:
            seen.append((account(engine, parent), rejected_lines(engine, parent), account(engine, mending)))
            assert rows(engine, "SELECT count(*) FROM movies") == [(before[1],)]
            check_totals(engine)

    for module in ("load", "mended"):
        monkeypatch.setattr(f"shared.ingest.{module}.reach", look)
    loader.load(mending, never)
    assert seen == [(before, lines, (0, 0, 0))]
    assert account(engine, parent) == (before[0], before[0], 0)


def test_a_mending_cannot_be_undone_but_cancelled_and_retried(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, loaded, rejected = account(engine, parent)
    mending = mend(parent, mended_movies(*rejected_lines(engine, parent)))
    cancel(engine, mending, "public")
    loader.load(mending, never)
    assert account(engine, parent) == (read, loaded, rejected)
    retry(engine, mending, "public")
    loader.load(mending, never)
    assert account(engine, parent) == (read, read, 0)
    with pytest.raises(StateConflict, match="undo that one"):
        undo(engine, mending, "public")
    assert upload(engine, mending)["state"] == "completed"
    assert rows(engine, "SELECT count(*) FROM movies") == [(read,)]
    check_totals(engine)


def test_only_completed_uploads_that_mend_nothing_can_be_mended(
    engine: Engine, loader: Loader, accept: Accept, mend: Mend
) -> None:
    waiting = accept(SMALL)
    with pytest.raises(StateConflict):
        mend(waiting, mended_movies(3))
    loader.load(waiting, never)
    mending = mend(waiting, mended_movies(4))
    loader.load(mending, never)
    with pytest.raises(StateConflict, match="itself a mending"):
        mend(mending, mended_movies(2))
    undo(engine, waiting, "public")
    with pytest.raises(StateConflict):
        mend(waiting, mended_movies(3))


def test_a_loader_whose_lease_was_taken_mends_nothing(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID, connections: list[LoadingConnection]
) -> None:
    """It stops after its claim, another one does all the work, and then it goes on."""
    read, _, _ = account(engine, parent)
    mending = mend(parent, mended_movies(*rejected_lines(engine, parent)))
    slow, _ = connections
    work = begin(slow, mending)
    assert work is not None
    batch = claim_batch(slow, work, 0, 3)
    assert batch is not None
    validated = loader._prepare(work, batch)
    with engine.begin() as connection:  # so that the other loader does not end our session
        connection.execute(text("UPDATE batches SET session_pid = NULL"))
    loader.load(mending, never)
    assert account(engine, parent) == (read, read, 0)
    with pytest.raises(Exception, match="ended"):
        commit_batch(slow, work, batch, validated)
    assert account(engine, mending)[1:] == (account(engine, mending)[0], 0)
    check_totals(engine)
