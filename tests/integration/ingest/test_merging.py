"""Merging: the same rows in fewer leaves, whatever happens in the meantime, and readers never notice."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.catalog.registry import Registry
from shared.catalog.write_mode import WriteMode
from shared.database.engine import PlainSql
from shared.errors import LostLease, RecordCountsMismatch
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.merging import claims, control
from shared.ingest.merging.claims import Merge
from shared.ingest.merging.copying import building_steps, copy_chunk, require_all_rows
from shared.ingest.merging.merger import Merging, merge_all
from shared.ingest.merging.policy import Policy
from shared.ingest.merging.swapping import Changed, swap
from shared.ingest.versions.leaves import build
from shared.ingest.words.word_indexes import WordIndexes
from shared.settings import Settings
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.corrections import check_totals, corrected_movies, counts, reasons
from tests.integration.ingest.merging import EAGER, contents, eager, first_id, leaves, unattached
from tests.integration.ingest.simulated import make_file
from tests.integration.ingest.test_loader import never, rows, upload
from tests.waiting import eventually

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

UPLOADS = 5
FILE = make_file(20, bad=2)  # 19 rows, and line 4 is a reject

Load = Callable[[bytes], uuid.UUID]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An upload of 20 records is large."""
    return settings.model_copy(update={"small_upload_bytes": 1024})


@pytest.fixture
def load(loader: Loader, intake: Intake) -> Load:
    def load(content: bytes = FILE) -> uuid.UUID:
        upload_id = intake(content)
        loader.load(upload_id, never)
        return upload_id

    return load


@pytest.fixture
def uploads(load: Load) -> list[uuid.UUID]:
    """Completed large uploads, each a leaf."""
    return [load(FILE) for _ in range(UPLOADS)]


@pytest.fixture
def merging(engine: Engine, settings: Settings) -> Merging:
    return eager(engine, settings)


def begin(merging: Merging, lease_seconds: float = 60) -> Merge:
    """Choose and claim a merge."""
    with merging.transaction() as connection:
        merge = claims.begin(connection, merging.registry, merging.policy, lease_seconds, 1)
    assert merge is not None
    return merge


def copy(merging: Merging, merge: Merge, chunks: int = 1_000) -> int:
    """Copy some chunks; return the id to go on at."""
    next_id = merge.next_id
    for _ in range(chunks):
        if next_id < merge.high:
            with merging.transaction() as connection:
                next_id = copy_chunk(connection, merge, next_id, merging.chunk_rows)
                claims.advance(connection, merge, next_id)
    return next_id


def copied(merging: Merging) -> Merge:
    """A merge that only has to be swapped in."""
    merge = begin(merging)
    finish(merging, merge)
    return merge


def finish(merging: Merging, merge: Merge) -> None:
    """Copy everything and build the indexes."""
    copy(merging, merge)
    for step in building_steps(merge):
        with merging.transaction() as connection:
            build(connection, step)


def expire(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE merges SET lease_until = now() - interval '1 s' WHERE NOT is_merged"))


def go_on(engine: Engine, merging: Merging) -> None:
    """Another process takes over and merges what is left."""
    expire(engine)
    merge_all(merging)


def test_the_same_rows_are_in_one_leaf_with_all_indexes(
    engine: Engine, merging: Merging, uploads: list[uuid.UUID]
) -> None:
    WordIndexes(engine, REGISTRY).build_all()
    before, own = contents(engine), leaves(engine)
    assert len(own) == UPLOADS
    indexes = "SELECT regexp_replace(indexdef, 'movies_[um]\\d+', 'leaf', 'g') FROM pg_indexes WHERE tablename = :t"
    wanted = {definition for (definition,) in rows(engine, indexes, t=own[0])}
    merge_all(merging)
    [leaf] = leaves(engine)
    assert leaf.startswith("movies_m")
    assert contents(engine) == before
    assert unattached(engine) == []
    check_totals(engine)
    # but for the index of the keys, which are unique in one upload only
    found = {definition for (definition,) in rows(engine, indexes, t=leaf)}
    assert {each.replace("UNIQUE ", "") for each in found} == {each.replace("UNIQUE ", "") for each in wanted}
    assert rows(engine, "SELECT reloptions FROM pg_class WHERE relname = :leaf", leaf=leaf) == [(None,)]
    assert [upload(engine, each)["state"] for each in uploads] == ["completed"] * UPLOADS


@pytest.mark.parametrize("is_merged", [False, True])
@pytest.mark.usefixtures("uploads")
def test_the_planner_knows_that_every_row_is_one_tenants(engine: Engine, merging: Merging, is_merged: bool) -> None:
    """Otherwise it takes the condition of every listing for a rare one, and sorts the leaf without its index."""
    if is_merged:
        merge_all(merging)
    known = "SELECT attname, n_distinct FROM pg_stats WHERE tablename = :leaf AND attname IN ('tenant', 'collection')"
    assert dict(rows(engine, known, leaf=leaves(engine)[0])) == {"tenant": 1, "collection": 1}


def test_uploads_may_have_the_same_keys(engine: Engine, loader: Loader, intake: Intake, merging: Merging) -> None:
    content = ("tconst\tprimaryTitle\n" + "".join(f"tt{n:07}\tFilm\n" for n in range(100))).encode()
    for _ in range(3):
        loader.load(intake(content, "title.basics.tsv", mode=WriteMode.APPEND), never)
    before = contents(engine)
    assert len(leaves(engine)) == 3
    merge_all(merging)
    assert len(leaves(engine)) == 1
    assert contents(engine) == before


@pytest.mark.usefixtures("uploads")
def test_merged_leaves_are_merged_again(engine: Engine, merging: Merging, load: Load) -> None:
    merge_all(merging)
    [first] = leaves(engine)
    load(FILE)
    before = contents(engine)
    merge_all(merging)
    [second] = leaves(engine)
    assert second != first
    assert contents(engine) == before
    assert rows(engine, "SELECT count(*) FROM merges WHERE is_merged") == [(1,)]
    assert rows(engine, "SELECT count(*) FROM merged_uploads") == [(0,)]
    check_totals(engine)


def test_collections_are_merged_apart(engine: Engine, loader: Loader, intake: Intake, merging: Merging) -> None:
    """The ranges of two collections alternate, and a tenant's branch has leaves of both."""
    titles = ("tconst\tprimaryTitle\n" + "".join(f"tt{n:07}\tFilm\n" for n in range(100))).encode()
    for _ in range(3):
        loader.load(intake(FILE), never)
        loader.load(intake(titles, "title.basics.tsv", mode=WriteMode.APPEND), never)
        loader.load(intake(FILE, tenant="other"), never)
    before = contents(engine)
    merge_all(merging)
    assert len(leaves(engine)) == 3
    assert contents(engine) == before


def test_few_leaves_are_left_alone(engine: Engine, settings: Settings, uploads: list[uuid.UUID]) -> None:
    merge_all(eager(engine, settings, policy=Policy()))
    assert len(leaves(engine)) == len(uploads)


@pytest.mark.parametrize("chunks", [0, 3, 1_000])
@pytest.mark.usefixtures("uploads")
def test_another_process_goes_on_where_one_died(engine: Engine, merging: Merging, chunks: int) -> None:
    before = contents(engine)
    merge = begin(merging)
    copy(merging, merge, chunks)
    merge_all(merging)
    assert len(leaves(engine)) == UPLOADS  # its lease holds
    go_on(engine, merging)
    assert leaves(engine) == [merge.leaf]
    assert contents(engine) == before


@pytest.mark.usefixtures("uploads")
def test_who_has_lost_the_claim_can_commit_nothing(engine: Engine, merging: Merging) -> None:
    before = contents(engine)
    late = begin(merging)
    expire(engine)
    with merging.transaction() as connection:
        successor = claims.claim(connection, merging.registry, 60)
    assert successor is not None
    with pytest.raises(LostLease), merging.transaction() as connection:  # noqa: PT012 - the transaction must fail
        copy_chunk(connection, late, late.low, 5)
        claims.advance(connection, late, late.high)
    finish(merging, successor)
    with pytest.raises(LostLease), merging.transaction() as connection:
        swap(connection, late)
    with pytest.raises(LostLease), merging.transaction() as connection:
        claims.abandon(connection, late)
    assert len(leaves(engine)) == UPLOADS
    with merging.transaction() as connection:
        claims.release(connection, late)  # changes nothing
    with merging.transaction() as connection:
        assert claims.claim(connection, merging.registry, 60) is None
        swap(connection, successor)
    assert contents(engine) == before


@pytest.mark.usefixtures("uploads")
def test_two_at_once_make_one_merge(engine: Engine, merging: Merging) -> None:
    before = contents(engine)
    threads = [threading.Thread(target=merge_all, args=(merging,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    merge_all(merging)
    assert len(leaves(engine)) == 1
    assert unattached(engine) == []
    assert contents(engine) == before


@dataclass
class Interrupted:
    """A connection on which something happens before a statement that has these words comes for the second time."""

    connection: PlainSql
    words: str
    happens: Callable[[], None]
    seen: int = 0

    def execute(self, sql: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        self.seen += self.words in sql
        if self.words in sql and self.seen == 2:
            self.happens()
        return self.connection.execute(sql, **values)


@pytest.mark.usefixtures("uploads")
def test_a_merge_that_ends_while_the_next_one_is_chosen(merging: Merging) -> None:
    """Its sources and its leaf are never both among the leaves: two merges of the same ids could not both end."""
    first = copied(merging)

    def end() -> None:
        with merging.transaction() as connection:
            swap(connection, first)

    with merging.transaction() as connection:
        interrupted = Interrupted(connection, "FROM merges WHERE collection = ", end)
        assert claims.begin(interrupted, merging.registry, merging.policy, 60, 1) is None


@pytest.mark.usefixtures("uploads")
def test_a_lease_is_renewed_while_a_step_takes_long(engine: Engine, settings: Settings) -> None:
    """A step that takes longer than the lease loses nothing."""
    looks = iter(range(1_000))

    def wait_once() -> bool:
        if next(looks) == 3:
            time.sleep(1.5)
            assert rows(engine, "SELECT lease_until > clock_timestamp() FROM merges") == [(True,)]
        return False

    merge_all(eager(engine, settings, lease_seconds=0.6, should_stop=wait_once))
    assert next(looks) > 3
    assert len(leaves(engine)) == 1


@pytest.mark.parametrize("is_merged", [False, True], ids=["during the merge", "afterwards"])
@pytest.mark.parametrize("which", [0, 2, UPLOADS - 1])
def test_an_undo_wins(engine: Engine, merging: Merging, uploads: list[uuid.UUID], which: int, is_merged: bool) -> None:
    kept = [row for row in contents(engine) if not 0 < row.id - first_id(engine, uploads[which]) < 2**32]
    if is_merged:
        merge_all(merging)
    else:
        copied(merging)
    undo(engine, REGISTRY, uploads[which], "public")
    assert contents(engine) == kept
    check_totals(engine)
    go_on(engine, merging)
    assert len(leaves(engine)) == 1
    assert unattached(engine) == []
    assert contents(engine) == kept
    check_totals(engine)


def test_an_undo_in_the_middle_of_its_copying(engine: Engine, merging: Merging, uploads: list[uuid.UUID]) -> None:
    merge = begin(merging)
    copy(merging, merge, chunks=1)
    undo(engine, REGISTRY, uploads[0], "public")
    kept = contents(engine)
    go_on(engine, merging)
    assert contents(engine) == kept
    assert rows(engine, f"SELECT count(*) FROM {merge.leaf}") == [(len(kept),)]


def test_leaves_of_uploads_that_are_all_undone_go_away(
    engine: Engine, merging: Merging, load: Load, uploads: list[uuid.UUID]
) -> None:
    merge_all(merging)
    another = load(FILE)
    begin(merging)
    for each in (*uploads, another):
        undo(engine, REGISTRY, each, "public")
    assert len(leaves(engine)) == 1
    go_on(engine, merging)
    assert leaves(engine) == unattached(engine) == []
    assert rows(engine, "SELECT count(*) FROM merges") == [(0,)]


@pytest.mark.parametrize("chunks", [1, 1_000], ids=["half copied", "copied"])
def test_a_correction_during_a_merge_is_in_the_merged_leaf(
    engine: Engine, loader: Loader, correct: Correct, merging: Merging, uploads: list[uuid.UUID], chunks: int
) -> None:
    merge = begin(merging)
    copy(merging, merge, chunks)
    loader.load(correct(uploads[0], corrected_movies(4)), never)
    after = contents(engine)
    assert len(after) == 19 * UPLOADS + 1
    go_on(engine, merging)
    assert leaves(engine) == [merge.leaf]
    assert contents(engine) == after
    check_totals(engine)


def test_a_correction_of_a_merged_upload(
    engine: Engine, loader: Loader, correct: Correct, merging: Merging, uploads: list[uuid.UUID]
) -> None:
    merge_all(merging)
    loader.load(correct(uploads[1], corrected_movies(4)), never)
    assert counts(engine, uploads[1]) == (20, 20, 0)
    assert len(contents(engine)) == 19 * UPLOADS + 1
    check_totals(engine)
    undo(engine, REGISTRY, uploads[1], "public")
    assert len(contents(engine)) == 19 * (UPLOADS - 1)
    check_totals(engine)


def test_a_corrected_record_that_repeats_a_key_in_a_merged_leaf(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct, merging: Merging
) -> None:
    """A key of its own upload is a reject, one of another upload in the same leaf is none."""
    lines = [f"tt{n:07}\tFilm\n" for n in range(100)]
    ids = []
    for number in range(3):
        content = "tconst\tprimaryTitle\n" + "".join(lines) + f"tt9{number:06}\tOwn\nwrong\tFilm\nwrong\tFilm\n"
        ids.append(intake(content.encode(), "title.basics.tsv", mode=WriteMode.APPEND))
        loader.load(ids[-1], never)
    merge_all(merging)
    assert len(leaves(engine)) == 1
    header = "_line\t_column\t_code\t_message\t_hint\ttconst\tprimaryTitle\n"
    sent = header + "".join(f"{line}\t\t\t\t\t{key}\tFilm\n" for line, key in ((103, "tt0000001"), (104, "tt9000001")))
    correction = correct(ids[0], sent.encode(), "rejects.tsv")
    loader.load(correction, never)
    assert [code for _, code in reasons(engine, correction)] == ["duplicate_key"]
    assert counts(engine, ids[0]) == (103, 102, 1)
    check_totals(engine)


def test_a_late_upload_has_room(engine: Engine, loader: Loader, intake: Intake, merging: Merging, load: Load) -> None:
    """An upload that is registered and waits lies between the leaves: they are not merged over it."""
    load(FILE)
    load(FILE)
    late = intake(FILE)
    load(FILE)
    load(FILE)
    with merging.transaction() as connection:
        merge = claims.begin(connection, merging.registry, EAGER, 60, 1)
    assert merge is not None
    assert not merge.low <= first_id(engine, late) < merge.high
    loader.load(late, never)
    assert upload(engine, late)["state"] == "completed"
    go_on(engine, merging)
    assert len(leaves(engine)) == 1


def test_a_range_that_is_not_committed_has_room(engine: Engine, merging: Merging, load: Load) -> None:
    """A transaction has taken a range and is slow to commit; no merge begins before it is known."""
    load(FILE)
    with engine.begin() as slow:
        plain = PlainSql(slow)
        plain.execute("SELECT pg_advisory_xact_lock_shared(5270919, hashtext('public'))")
        load(FILE)
        with pytest.raises(DBAPIError, match="lock timeout"), merging.transaction() as connection:
            claims.begin(connection, merging.registry, EAGER, 60, 1)
        merge_all(merging)
        assert len(leaves(engine)) == 2
    merge_all(merging)
    assert len(leaves(engine)) == 1


@pytest.mark.parametrize("step", ["intake", "retry"])
def test_who_takes_a_range_holds_the_lock(engine: Engine, intake: Intake, step: str) -> None:
    """Both wait while somebody decides what to merge."""
    upload_id = intake(FILE)
    cancel(engine, upload_id, "public")
    before = rows(engine, "SELECT last_value FROM large_first_ids")
    with engine.begin() as deciding:
        deciding.execute(text("SELECT pg_advisory_xact_lock(5270919, hashtext('public'))"))
        thread = threading.Thread(
            target=(lambda: intake(FILE)) if step == "intake" else (lambda: retry(engine, upload_id, "public"))
        )
        thread.start()
        wait_for_lock(engine)
        assert rows(engine, "SELECT last_value FROM large_first_ids") == before
    thread.join()
    assert rows(engine, "SELECT last_value FROM large_first_ids") > before


def wait_for_lock(engine: Engine) -> None:
    assert eventually(lambda: rows(engine, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), 10)


def test_readers_always_see_every_row(engine: Engine, settings: Settings, load: Load) -> None:
    for _ in range(8):
        load(FILE)
    expected = rows(engine, "SELECT count(*), sum(id) FROM movies")
    is_over = threading.Event()
    wrong: list[Any] = []
    slowest = [0.0]

    def read() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not is_over.is_set():
                began = time.monotonic()
                found = connection.execute(text("SELECT count(*), sum(id) FROM movies WHERE tenant = 'public'")).all()
                slowest[0] = max(slowest[0], time.monotonic() - began)
                if found != expected:
                    wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    two = eager(engine, settings, policy=Policy(few_leaves=1, most_leaves=1, shortest_run=2, longest_run=2))
    merge_all(two)
    is_over.set()
    for reader in readers:
        reader.join()
    assert len(leaves(engine)) == 1
    assert wrong == []
    assert slowest[0] < 1


@pytest.mark.usefixtures("uploads")
def test_a_long_reader_is_waited_for(engine: Engine, merging: Merging) -> None:
    """Others wait behind the swap for 200 ms at most, and the merge is swapped in later, without copying again."""
    copied(merging)
    expire(engine)
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM movies"))
        thread = threading.Thread(target=merge_all, args=(merging,))
        thread.start()
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            assert rows(engine, "SELECT count(*) FROM movies") == [(19 * UPLOADS,)]
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
        assert len(leaves(engine)) == UPLOADS
    thread.join()
    assert len(leaves(engine)) == 1
    assert slowest < 0.8


def test_an_upload_is_locked_before_it_is_compared(engine: Engine, merging: Merging, uploads: list[uuid.UUID]) -> None:
    """An undo that has not committed keeps the swap waiting, and is noticed by the next attempt."""
    merge = copied(merging)
    with engine.begin() as undoing:
        undoing.execute(
            text("UPDATE uploads SET state = 'undone', epoch = epoch + 1 WHERE id = :id"), {"id": uploads[3]}
        )
        with pytest.raises(DBAPIError, match="lock timeout"), merging.transaction() as connection:
            swap(connection, merge)
        undoing.rollback()
    undo(engine, REGISTRY, uploads[3], "public")
    with pytest.raises(Changed), merging.transaction() as connection:
        swap(connection, merge)


@pytest.mark.usefixtures("uploads")
def test_what_does_not_add_up_is_not_swapped_in(engine: Engine, merging: Merging) -> None:
    before = contents(engine)
    merge = copied(merging)
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {merge.leaf} WHERE id = (SELECT max(id) FROM {merge.leaf})"))
    with pytest.raises(RecordCountsMismatch), merging.transaction() as connection:
        require_all_rows(connection, merge)
    go_on(engine, merging)
    assert contents(engine) == before
    assert unattached(engine) == []
    with engine.connect() as connection:
        shown = control.show(PlainSql(connection), 5)
    assert shown.is_paused
    assert shown.reason is not None
    assert merge.leaf in shown.reason


@pytest.mark.usefixtures("uploads")
def test_a_merge_that_the_database_refuses_is_given_up(engine: Engine, merging: Merging) -> None:
    """Not tried again in each round: a person must see why."""
    before = contents(engine)
    merge = copied(merging)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {merge.leaf} DROP CONSTRAINT {merge.leaf}_tenant"))
        connection.execute(text(f"ALTER TABLE {merge.leaf} RENAME COLUMN title TO name"))
    go_on(engine, merging)
    assert contents(engine) == before
    assert unattached(engine) == []
    with engine.connect() as connection:
        shown = control.show(PlainSql(connection), 5)
    assert shown.is_paused
    assert shown.reason == "the database refused the merge: SQLSTATE 42804"


@pytest.mark.usefixtures("uploads")
def test_rows_that_were_copied_too_seldom_are_not_swapped_in(engine: Engine, merging: Merging) -> None:
    merge = copied(merging)
    with engine.begin() as connection:
        connection.execute(text("UPDATE merged_uploads SET copied_records = copied_records - 1"))
    with pytest.raises(RecordCountsMismatch), merging.transaction() as connection:
        swap(connection, merge)
    assert len(leaves(engine)) == UPLOADS


@pytest.mark.usefixtures("uploads")
def test_an_operator_pauses_and_resumes(engine: Engine, settings: Settings) -> None:
    """Also in the middle of a merge, which keeps what it has."""
    before = contents(engine)
    looks = iter(range(1_000))

    def pause_at_the_third_look() -> bool:
        if next(looks) == 3:
            with engine.begin() as connection:
                control.pause(PlainSql(connection))
        return False

    merge_all(eager(engine, settings, should_stop=pause_at_the_third_look))
    with engine.connect() as connection:
        shown = control.show(PlainSql(connection), 5)
    assert shown.is_paused
    [collection] = shown.collections
    assert (collection.tenant, collection.dataset, collection.leaves) == ("public", "movies", UPLOADS)
    assert collection.copied_records == 14
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == UPLOADS
    with engine.begin() as connection:
        control.resume(PlainSql(connection))
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 1
    assert contents(engine) == before


def test_loads_come_first(engine: Engine, loader: Loader, intake: Intake, settings: Settings, load: Load) -> None:
    for _ in range(3):
        load(FILE)
    waiting = intake(FILE)
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 3
    loader.load(waiting, never)
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 1


@pytest.mark.usefixtures("uploads")
def test_a_process_that_ends_leaves_the_merge_to_others(engine: Engine, settings: Settings) -> None:
    before = contents(engine)
    looks = iter(range(1_000))
    merge_all(eager(engine, settings, should_stop=lambda: next(looks) >= 3))
    assert len(unattached(engine)) == 1
    merge_all(eager(engine, settings))  # at once: it has given its claim back
    assert len(leaves(engine)) == 1
    assert contents(engine) == before


@pytest.mark.usefixtures("uploads")
def test_a_table_that_this_process_does_not_know_is_left_alone(
    engine: Engine, settings: Settings, merging: Merging
) -> None:
    stranger = eager(engine, settings)
    merge_all(Merging(stranger.engine, Registry([]), 2, EAGER))
    assert len(leaves(engine)) == UPLOADS
    begin(merging, lease_seconds=-1)
    merge_all(Merging(stranger.engine, Registry([]), 2, EAGER))
    assert len(leaves(engine)) == UPLOADS
    merge_all(merging)
    assert len(leaves(engine)) == 1
