"""Rejected records come back mended, on a real Postgres: exactly once, all of it or nothing, and the account closes."""

import csv
import io
import threading
import uuid
from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import Engine, text

from shared.database.loading import LoadingConnection
from shared.database.partitions import first_id
from shared.errors import HeaderMismatch, StateConflict
from shared.ingest.control import cancel, retry, undo
from shared.ingest.load import Loader, commit_batch
from shared.ingest.work import begin, claim_batch
from shared.settings import Settings
from tests.conftest import Accept, Mend
from tests.rows import GOOD_MOVIE, GOOD_TITLE, MOVIES_HEADER, TITLES_HEADER, titles
from tests.shared.test_load import LARGE, SMALL, never, rows, upload


@pytest.fixture
def connections(settings: Settings) -> Iterator[list[LoadingConnection]]:
    """Two of them."""
    opened = [LoadingConnection(settings), LoadingConnection(settings)]
    yield opened
    for connection in opened:
        connection.close()


def mended_movies(*lines: object, **changes: str) -> bytes:
    """Good movies for these lines."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow(["_line", "_column", "_code", "_message", "_hint", *MOVIES_HEADER])
    for line in lines:
        movie = GOOD_MOVIE | {"title": f"Mended {line}"} | changes
        writer.writerow([line, "title", "required", "is empty", "", *(movie[name] for name in MOVIES_HEADER)])
    return output.getvalue().encode()


def rejected_lines(engine: Engine, upload_id: uuid.UUID) -> list[int]:
    found = rows(
        engine,
        "SELECT DISTINCT line_number FROM rejects JOIN uploads ON uploads.number = upload_number WHERE id = :id"
        " ORDER BY 1",
        id=upload_id,
    )
    return [line for (line,) in found]


def reasons(engine: Engine, upload_id: uuid.UUID) -> list[tuple[int, str]]:
    found = rows(
        engine,
        "SELECT line_number, code FROM rejects JOIN uploads ON uploads.number = upload_number WHERE id = :id"
        " ORDER BY 1, position",
        id=upload_id,
    )
    return [(line, code) for line, code in found]


def account(engine: Engine, upload_id: uuid.UUID) -> tuple[int, int, int]:
    found = upload(engine, upload_id)
    return found["read_records"], found["loaded_records"], found["rejected_records"]


def check_totals(engine: Engine) -> None:
    """What is listed, what is counted, and what uploads say, agree."""
    listed = rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies")[0]
    counted = rows(engine, "SELECT coalesce(sum(movies), 0) FROM movie_totals")[0][0]
    of_uploads = rows(engine, "SELECT coalesce(sum(movies), 0) FROM upload_totals")[0][0]
    sql = "SELECT coalesce(sum(loaded_records), 0) FROM uploads WHERE state = 'completed' AND mends IS NULL"
    assert set(listed) == {counted} == {of_uploads} == {rows(engine, sql)[0][0]}


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def parent(request: pytest.FixtureRequest, loader: Loader, accept: Accept) -> uuid.UUID:
    """A completed upload with rejects."""
    upload_id = accept(request.param)
    loader.load(upload_id, never)
    return upload_id


def test_the_account_closes_and_rows_have_the_ids_of_their_lines(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, _, rejected = account(engine, parent)
    lines = rejected_lines(engine, parent)
    assert len(lines) == rejected > 0
    mending = mend(parent, mended_movies(*lines, release_date="2001-02-03", original_language="fr"))
    loader.load(mending, never)
    assert upload(engine, mending)["state"] == "completed"
    assert account(engine, mending) == (rejected, rejected, 0)
    assert account(engine, parent) == (read, read, 0)
    assert rejected_lines(engine, parent) == []
    base = first_id(upload(engine, parent)["number"])
    found = rows(engine, "SELECT id, title FROM movies WHERE title LIKE 'Mended%' ORDER BY id")
    assert [(id_, title) for id_, title in found] == [(base + line, f"Mended {line}") for line in lines]
    counted = rows(engine, "SELECT original_language, movies FROM movie_totals WHERE release_year = 2001")
    assert [(language, count) for language, count in counted] == [("fr", rejected)]
    assert rows(engine, "SELECT count(*) FROM movies") == [(read,)]
    check_totals(engine)
    events = rows(engine, "SELECT reason FROM upload_events WHERE event = 'mended'")
    assert events == [(f"{rejected} rejected records were mended by upload {mending}",)]


def test_what_is_still_bad_stays_rejected_in_both(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, loaded, rejected = account(engine, parent)
    lines = rejected_lines(engine, parent)
    before = reasons(engine, parent)
    mending = mend(parent, mended_movies(*lines, vote_average="11"))
    loader.load(mending, never)
    assert account(engine, mending) == (rejected, 0, rejected)
    assert account(engine, parent) == (read, loaded, rejected)
    assert reasons(engine, parent) == before
    assert {code for _, code in reasons(engine, mending)} == {"out_of_range"}
    assert rows(engine, "SELECT count(*) FROM upload_events WHERE event = 'mended'") == [(0,)]
    check_totals(engine)


def test_lines_that_are_none_unknown_or_repeated_are_rejects_of_the_mending(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, loaded, rejected = account(engine, parent)
    line = rejected_lines(engine, parent)[0]
    named = ["x", "", line, 2**40, -1, line, 1, f"{line + 1}.0", 0]
    mending = mend(parent, mended_movies(*named))
    loader.load(mending, never)
    assert reasons(engine, mending) == [
        *((number, "not_a_reject") for number in (2, 3, 5, 6)),
        (7, "repeated_line"),
        *((number, "not_a_reject") for number in (8, 9, 10)),
    ]
    assert account(engine, mending) == (len(named), 1, len(named) - 1)
    assert account(engine, parent) == (read, loaded + 1, rejected - 1)
    spans = rows(engine, "SELECT byte_end - byte_start FROM rejects WHERE code = 'not_a_reject'")
    assert all(length > 50 for (length,) in spans)
    check_totals(engine)


def test_records_that_are_none_and_lines_of_any_length(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    header = mended_movies()
    damaged = mend(parent, header + b"2,too,few\r\n3,too,few\r\n")
    long = mend(parent, mended_movies("9" * 100_000))
    for mending in (damaged, long):
        loader.load(mending, never)
        assert upload(engine, mending)["state"] == "completed"
    assert reasons(engine, damaged) == [(2, "wrong_field_count"), (3, "wrong_field_count")]
    assert reasons(engine, long) == [(2, "not_a_reject")]
    longest = rows(engine, "SELECT max(length(value)) FROM rejects WHERE code = 'not_a_reject'")
    assert longest == [(1001,)]
    check_totals(engine)


def test_a_record_that_nobody_wants_has_that_one_reason(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    mending = mend(parent, mended_movies(999_999, vote_average="11", budget="x"))
    loader.load(mending, never)
    assert reasons(engine, mending) == [(2, "not_a_reject")]


def test_mending_twice_loads_once(engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID) -> None:
    lines = rejected_lines(engine, parent)
    first, second = (mend(parent, mended_movies(*lines)) for _ in range(2))
    assert first != second
    for mending in (first, second, first):
        loader.load(mending, never)
    assert account(engine, first) == (len(lines), len(lines), 0)
    assert account(engine, second) == (len(lines), 0, len(lines))
    assert {code for _, code in reasons(engine, second)} == {"not_a_reject"}
    check_totals(engine)


def test_two_at_once_share_the_lines(engine: Engine, settings: Settings, mend: Mend, parent: uuid.UUID) -> None:
    read, _, _ = account(engine, parent)
    lines = rejected_lines(engine, parent)
    mendings = [mend(parent, mended_movies(*order)) for order in (lines, lines[::-1], lines)]
    loaders = [Loader(settings) for _ in mendings]
    threads = [
        threading.Thread(target=loader.load, args=(mending, never))
        for loader, mending in zip(loaders, mendings, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for loader in loaders:
        loader.close()
    assert {upload(engine, mending)["state"] for mending in mendings} == {"completed"}
    assert sum(account(engine, mending)[1] for mending in mendings) == len(lines)
    assert account(engine, parent) == (read, read, 0)
    check_totals(engine)


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


def test_a_header_needs_the_line_and_all_columns_of_the_dataset(mend: Mend, parent: uuid.UUID) -> None:
    with pytest.raises(HeaderMismatch, match="_line"):
        mend(parent, SMALL)
    with pytest.raises(HeaderMismatch, match="budget"):
        mend(parent, mended_movies(3).replace(b",budget,", b",bugdet,"))
    with pytest.raises(HeaderMismatch, match="twice: _line"):
        mend(parent, mended_movies(3).replace(b"_hint,", b"_line,"))


def test_columns_may_stand_in_any_order_and_ours_do_not_get_into_extra(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    line = rejected_lines(engine, parent)[0]
    header = ["code", "line", *reversed(MOVIES_HEADER), "_line", "_note"]
    cells = ["a", "b", *(GOOD_MOVIE[name] for name in reversed(MOVIES_HEADER)), str(line), "c"]
    output = io.StringIO(newline="")
    csv.writer(output).writerows([header, cells])
    loader.load(mend(parent, output.getvalue().encode()), never)
    found = rows(engine, "SELECT id, title, extra FROM movies WHERE extra IS NOT NULL")
    base = first_id(upload(engine, parent)["number"])
    assert [tuple(row) for row in found] == [(base + line, "A Film", {"code": "a", "line": "b", "_note": "c"})]


def test_titles_without_quoting(engine: Engine, loader: Loader, accept: Accept, mend: Mend) -> None:
    parent = accept(titles({}, {"isAdult": "True", "primaryTitle": 'A "quoted'}, {"startYear": "99"}), "titles.tsv")
    loader.load(parent, never)
    assert account(engine, parent) == (3, 1, 2)
    records = [["_line", *TITLES_HEADER]]
    for line, title in ((3, 'A "quoted'), (4, "B")):
        records.append([str(line), *((GOOD_TITLE | {"primaryTitle": title})[name] for name in TITLES_HEADER)])
    content = "".join("\t".join(record) + "\n" for record in records).encode()
    loader.load(mend(parent, content, "rejects.tsv"), never)
    assert account(engine, parent) == (3, 3, 0)
    found = rows(engine, "SELECT id & 4294967295, title FROM movies ORDER BY 1")
    assert [tuple(row) for row in found] == [(2, "Carmencita"), (3, 'A "quoted'), (4, "B")]
    check_totals(engine)


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


def test_a_mending_does_not_stand_for_the_same_file_sent_as_an_upload(
    engine: Engine, loader: Loader, accept: Accept, mend: Mend, parent: uuid.UUID
) -> None:
    content = mended_movies(*rejected_lines(engine, parent))
    mending = mend(parent, content)
    loader.load(mending, never)
    other = accept(content, forced=False)
    assert other != mending
    again: Iterable[uuid.UUID] = [accept(content, forced=False), mend(parent, content)]
    assert other in again
    assert mending not in again
