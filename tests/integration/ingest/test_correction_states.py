"""A correction while it, or the upload that it corrects, is cancelled, undone or retried."""

import threading
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from shared.database.loader_connection import LoaderConnection
from shared.errors import StateConflict
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.work import claim_batch
from shared.settings import Settings
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.corrections import check_totals, corrected_movies, counts, rejected_lines
from tests.integration.ingest.test_loader import SMALL, begun, commit, never, read_records, rows, upload


@pytest.fixture
def connections(settings: Settings) -> Iterator[list[LoaderConnection]]:
    """Two connections of loaders."""
    opened = [LoaderConnection(settings), LoaderConnection(settings)]
    yield opened
    for connection in opened:
        connection.close()


def test_undo_of_the_parent_takes_corrected_rows_along(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct, parent: uuid.UUID
) -> None:
    kept = intake(SMALL)
    loader.load(kept, never)
    lines = rejected_lines(engine, parent)
    done = correct(parent, corrected_movies(lines[0], "no line"))
    loader.load(done, never)
    waiting = correct(parent, corrected_movies(*lines[1:] or lines))
    undo(engine, REGISTRY, parent, "public")
    assert rows(engine, "SELECT count(*) FROM movies") == [(2,)]
    assert upload(engine, done)["state"] == "undone"
    assert rejected_lines(engine, done) == []
    check_totals(engine)
    loader.load(waiting, never)
    found = upload(engine, waiting)
    assert (found["state"], found["error_code"]) == ("failed", "corrected_upload_ended")
    check_totals(engine)
    retry(engine, waiting, "public")
    loader.load(waiting, never)
    assert upload(engine, waiting)["state"] == "failed"


def test_a_parent_that_is_undone_while_a_correction_is_prepared(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    correction = correct(parent, corrected_movies(*rejected_lines(engine, parent)))

    def undo_first(point: str) -> None:
        if point == "batch.prepared":
            undo(engine, REGISTRY, parent, "public")

    monkeypatch.setattr("shared.ingest.loading.commits.reach", undo_first)
    loader.load(correction, never)
    assert upload(engine, correction)["error_code"] == "corrected_upload_ended"
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    check_totals(engine)


def test_an_undo_waits_for_a_correction_that_commits(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    correction = correct(parent, corrected_movies(*rejected_lines(engine, parent)))
    undoing = threading.Thread(target=undo, args=(engine, REGISTRY, parent, "public"))

    def start_undo(point: str) -> None:
        if point == "correction.counted":
            undoing.start()
            undoing.join(0.5)
            assert undoing.is_alive()

    monkeypatch.setattr("shared.ingest.corrections.correction_loading.reach", start_undo)
    loader.load(correction, never)
    undoing.join()
    assert [upload(engine, each)["state"] for each in (parent, correction)] == ["undone", "undone"]
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    check_totals(engine)


@pytest.mark.parametrize("point", ["batch.copied", "correction.counted", "batch.fenced"])
def test_readers_see_nothing_of_it_before_all_of_it(
    engine: Engine,
    loader: Loader,
    correct: Correct,
    parent: uuid.UUID,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    before = counts(engine, parent)
    lines = rejected_lines(engine, parent)
    correction = correct(parent, corrected_movies(*lines, "no line"))
    seen = []

    def look(reached: str) -> None:
        if reached == point:
            seen.append((counts(engine, parent), rejected_lines(engine, parent), counts(engine, correction)))
            assert rows(engine, "SELECT count(*) FROM movies") == [(before[1],)]
            check_totals(engine)

    for module in ("loading.commits", "corrections.correction_loading"):
        monkeypatch.setattr(f"shared.ingest.{module}.reach", look)
    loader.load(correction, never)
    assert seen == [(before, lines, (0, 0, 0))]
    assert counts(engine, parent) == (before[0], before[0], 0)


def test_a_correction_cannot_be_undone_but_cancelled_and_retried(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    read, loaded, rejected = counts(engine, parent)
    correction = correct(parent, corrected_movies(*rejected_lines(engine, parent)))
    cancel(engine, correction, "public")
    loader.load(correction, never)
    assert counts(engine, parent) == (read, loaded, rejected)
    retry(engine, correction, "public")
    loader.load(correction, never)
    assert counts(engine, parent) == (read, read, 0)
    with pytest.raises(StateConflict, match="undo the upload that it corrects"):
        undo(engine, REGISTRY, correction, "public")
    assert upload(engine, correction)["state"] == "completed"
    assert rows(engine, "SELECT count(*) FROM movies") == [(read,)]
    check_totals(engine)


def test_only_completed_uploads_that_correct_nothing_can_be_corrected(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct
) -> None:
    waiting = intake(SMALL)
    with pytest.raises(StateConflict):
        correct(waiting, corrected_movies(3))
    loader.load(waiting, never)
    correction = correct(waiting, corrected_movies(4))
    loader.load(correction, never)
    with pytest.raises(StateConflict, match="itself a correction"):
        correct(correction, corrected_movies(2))
    undo(engine, REGISTRY, waiting, "public")
    with pytest.raises(StateConflict):
        correct(waiting, corrected_movies(3))


def test_a_loader_whose_lease_was_taken_corrects_nothing(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID, connections: list[LoaderConnection]
) -> None:
    """It stops after its claim, another loader does all the work, and then it goes on."""
    read, _, _ = counts(engine, parent)
    correction = correct(parent, corrected_movies(*rejected_lines(engine, parent)))
    slow, _ = connections
    work = begun(slow, correction)
    batch = claim_batch(slow, work, 0, 3)
    assert batch is not None
    records = read_records(loader, work, batch)
    with engine.begin() as connection:  # so that the other loader does not end our session
        connection.execute(text("UPDATE batches SET session_pid = NULL"))
    loader.load(correction, never)
    assert counts(engine, parent) == (read, read, 0)
    with pytest.raises(Exception, match="ended"):
        commit(slow, work, batch, records)
    assert counts(engine, correction)[1:] == (counts(engine, correction)[0], 0)
    check_totals(engine)
