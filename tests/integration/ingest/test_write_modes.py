"""What uploads do to the rows before them, and undoing it, against a model (`collection_model`)."""

import uuid
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import Phase
from hypothesis import settings as configure
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from shared.catalog.schemas.declaration import Declaration
from shared.catalog.write_mode import WriteMode
from shared.csv.sniffing.sniff import TextOptions
from shared.database.declarations import declare
from shared.database.engine import PlainSql
from shared.errors import KeyMissing, StateConflict
from shared.ingest.intake.file_intake import FileIntake
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.intake.registration import UploadOptions, register
from shared.ingest.lifecycle.plans import apply
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.undoing import _look, undo
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.loading.loader import Loader
from shared.ingest.merging.merger import merge_all
from shared.ingest.versions.replaced import count_replaced
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration import tables
from tests.integration.ingest.collection_model import ModelCollection, Published
from tests.integration.ingest.follower import Follower
from tests.integration.ingest.merging import eager
from tests.integration.ingest.test_actions import stop_after
from tests.integration.ingest.test_loader import never, rows, upload
from tests.integration.ingest.titles import FILLER, NAMES, Load, Write, cells, titles
from tests.kept_sums import WRONG_SUMS, WRONG_SUMS_OF_UPLOADS

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

APPEND, REPLACE, UPSERT = WriteMode


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A file with the filler is large and has several batches."""
    return settings.model_copy(update={"small_upload_bytes": 512, "batch_bytes": 512})


def contents(engine: Engine) -> Counter[tuple[str, str]]:
    """Key and value of each visible row."""
    return Counter(tuple(row) for row in rows(engine, "SELECT source_id, title FROM movies"))


def counts(engine: Engine, upload_id: uuid.UUID) -> dict[str, int]:
    found = upload(engine, upload_id)
    return {name: found[f"{name}_records"] for name in ("new", "changed", "unchanged", "removed")}


def check_kept_sums(engine: Engine) -> None:
    """Everything that is counted agrees with what is there."""
    listed = rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies")[0]
    counted = rows(engine, "SELECT coalesce(sum(row_count), 0) FROM collection_totals WHERE breakdown = 'rows'")[0][0]
    visible = "state = 'completed' AND corrects IS NULL AND superseded_by IS NULL"
    current = rows(engine, f"SELECT coalesce(sum(current_records), 0) FROM uploads WHERE {visible}")[0][0]
    assert set(listed) == {counted} == {current}
    assert rows(engine, WRONG_SUMS_OF_UPLOADS) == []
    assert rows(engine, WRONG_SUMS) == []


# A record that is always rejected, in line 2.
WRONG = {"wrong": ""}
KEYS = st.sampled_from(["tt1", "tt2", "tt3", "tt4"])
VALUES = st.sampled_from("abc")


def some_of(condition: Callable[[Any, Published], bool]) -> st.SearchStrategy[Published]:
    """An upload of the machine's model that fulfils a condition."""
    return st.runner().flatmap(lambda self: st.sampled_from([u for u in self.model.uploads if condition(self, u)]))


def there_is(condition: Callable[[Any, Published], bool]) -> Callable[[Any], bool]:
    """Whether the machine's model has such an upload."""
    return lambda self: any(condition(self, each) for each in self.model.uploads)


def is_correctable(machine: Any, upload: Published) -> bool:
    has_key = any(row.key == "tt4" for row in upload.rows)
    is_left = upload.counts_for and upload not in machine.corrected and not has_key
    return is_left and not machine.model.is_replaced(upload)


class Modes(RuleBasedStateMachine):
    """Uploads of one collection, small and large, of every mode; plans; undos; corrections; merges; retention;
    records that people write, change and remove.

    A copy follows the collection by its feed.
    """

    engine: ClassVar[Engine]
    settings: ClassVar[Settings]
    load: ClassVar[Load]
    loader: ClassVar[Loader]
    correct: ClassVar[Correct]
    write: ClassVar[Write]
    follower: ClassVar[Follower]

    def __init__(self) -> None:
        super().__init__()
        tables.empty(self.engine)
        self.model = ModelCollection()
        self.ids: dict[Published, uuid.UUID] = {}
        self.corrected: set[Published] = set()
        self.plans: dict[uuid.UUID, tuple[WriteMode, dict[str, str]]] = {}
        self.follower.begin_anew()

    @rule(mode=st.sampled_from(WriteMode), values=st.dictionaries(KEYS, VALUES, min_size=1), is_large=st.booleans())
    def publish(self, mode: WriteMode, values: dict[str, str], is_large: bool) -> None:
        values |= FILLER if is_large else {}
        published = self.model.publish(mode, values)
        self.ids[published] = type(self).load(WRONG | values, mode)
        assert upload(self.engine, self.ids[published])["state"] == "completed"
        assert counts(self.engine, self.ids[published]) == published.counts

    @rule(mode=st.sampled_from(WriteMode), values=st.dictionaries(KEYS, VALUES, min_size=1), is_large=st.booleans())
    def plan(self, mode: WriteMode, values: dict[str, str], is_large: bool) -> None:
        values |= FILLER if is_large else {}
        upload_id = type(self).load(WRONG | values, mode, plan=True)
        assert upload(self.engine, upload_id)["state"] == "planned"
        assert counts(self.engine, upload_id) == self.model.changes(mode, values)
        self.plans[upload_id] = mode, values

    @rule(which=KEYS, value=VALUES | st.none())
    def write_by_hand(self, which: str, value: str | None) -> None:
        """A person adds a record, changes it or removes it."""
        present = sorted({row.value for row in self.model.visible() if row.key == which})
        if (not present and value is None) or value in present:
            return
        edited = type(self).write(which, value)
        published = self.model.write(which, value)
        assert edited.upload_id is not None
        self.ids[published] = edited.upload_id
        self.corrected.add(published)  # it has rejected nothing
        assert counts(self.engine, edited.upload_id) == published.counts

    @precondition(lambda self: self.plans)
    @rule(which=st.runner().flatmap(lambda self: st.sampled_from(list(self.plans))))
    def apply(self, which: uuid.UUID) -> None:
        """A plan is applied, or counted anew and then applied."""
        mode, values = self.plans.pop(which)
        expected = self.model.changes(mode, values)
        if not apply(self.engine, which, "public", None):
            self.loader.load(which, never)
            assert upload(self.engine, which)["state"] == "planned"
            assert apply(self.engine, which, "public", None)
        assert counts(self.engine, which) == expected
        self.loader.load(which, never)
        assert upload(self.engine, which)["state"] == "completed"
        assert counts(self.engine, which) == expected
        self.ids[self.model.publish(mode, values)] = which

    @precondition(there_is(lambda _self, each: each.counts_for))
    @rule(which=some_of(lambda _self, each: each.counts_for))
    def take_back(self, which: Published) -> None:
        if not which.is_kept:
            with pytest.raises(StateConflict, match="no longer kept"):
                undo(self.engine, REGISTRY, self.ids[which], "public")
            return
        undo(self.engine, REGISTRY, self.ids[which], "public")
        self.model.take_back(which)

    @precondition(there_is(is_correctable))
    @rule(which=some_of(is_correctable), value=VALUES)
    def correct_record(self, which: Published, value: str) -> None:
        """The one that was rejected gets a key that no other record of the file has."""
        self.corrected.add(which)
        self.loader.load(type(self).correct(self.ids[which], correction_of(2, "tt4", value), "rejects.tsv"), never)
        self.model.correct(which, "tt4", value)

    @rule()
    def prune(self) -> None:
        prune(self.engine, days=0)
        if self.model.uploads:
            self.model.prune()

    @rule(pages=st.integers(1, 3))
    def follow(self, pages: int) -> None:
        """Read some of the feed; what was withdrawn is listed or not yet."""
        self.follower.read(pages)

    @rule()
    def catch_up(self) -> None:
        drop_withdrawn(self.engine, REGISTRY)
        self.follower.read()
        assert self.follower.contents == self.model.contents()

    @precondition(lambda self: self.model.looks)
    @rule(which=st.runner().flatmap(lambda self: st.sampled_from(list(self.model.looks))))
    def look_back(self, which: Published) -> None:
        assert self.follower.look_back(str(self.ids[which])) == self.model.looks[which]

    @rule(stop_after=st.none() | st.integers(0, 6))
    def merge(self, stop_after: int | None) -> None:
        """Merge whatever can be merged, or begin to, and stop after so many looks at whether to go on."""
        looks = count()
        should_stop = (lambda: False) if stop_after is None else (lambda: next(looks) >= stop_after)
        merge_all(eager(self.engine, self.settings, should_stop=should_stop))

    @invariant()
    def readers_see_what_the_model_has(self) -> None:
        assert contents(self.engine) == self.model.contents()

    @invariant()
    def sums_are_right(self) -> None:
        check_kept_sums(self.engine)


@pytest.mark.timeout(900)  # a failure takes long, because hypothesis shrinks it
def test_any_order_of_modes_and_undos(
    engine: Engine,
    settings: Settings,
    loader: Loader,
    load: Load,
    correct: Correct,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    follower = Follower(settings)
    functions = {"load": staticmethod(load), "correct": staticmethod(correct), "write": staticmethod(write)}
    for name, value in {
        "engine": engine,
        "settings": settings,
        "loader": loader,
        "follower": follower,
        **functions,
    }.items():
        monkeypatch.setattr(Modes, name, value, raising=False)
    phases = set(Phase) - {Phase.explain}
    try:
        run_state_machine_as_test(
            Modes, settings=configure(max_examples=40, stateful_step_count=14, deadline=None, phases=phases)
        )
    finally:
        follower.close()


def test_the_next_days_file_replaces_the_one_before(engine: Engine, load: Load) -> None:
    """IMDb publishes the whole of its files each day."""
    first = load({"tt1": "One", "tt2": "Two", "tt3": "Three"})
    second = load({"tt1": "One", "tt2": "Two, mended", "tt4": "Four"})
    assert contents(engine) == Counter({("tt1", "One"): 1, ("tt2", "Two, mended"): 1, ("tt4", "Four"): 1})
    assert counts(engine, second) == {"new": 1, "changed": 1, "unchanged": 1, "removed": 1}
    found = upload(engine, first)
    assert (found["state"], found["superseded_by"]) == ("completed", upload(engine, second)["number"])
    undo(engine, REGISTRY, second, "public")
    assert contents(engine) == Counter({("tt1", "One"): 1, ("tt2", "Two"): 1, ("tt3", "Three"): 1})


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_values_of_a_list_count_once(engine: Engine, load: Load, filler: dict[str, str]) -> None:
    load({"tt1": "b", "tt2": "a"} | filler, APPEND)
    sql = "SELECT row_count FROM collection_totals WHERE facets ->> 'genre' = 'Drama' AND facets ->> 'decade' = '2000'"
    assert rows(engine, sql) == [(1,)]
    check_kept_sums(engine)


@pytest.mark.parametrize("is_counted_now", [False, True])
def test_counting_reads_each_row_a_few_times_and_is_done_once(engine: Engine, load: Load, is_counted_now: bool) -> None:
    """However many changes there are; another process that counts this upload now is not joined."""
    before = {f"tt{number:06}": "a" for number in range(1_000)}
    after = before | dict.fromkeys(list(before)[:100], "b")
    load(before, APPEND)
    upload_id = load(after, REPLACE)
    number = upload(engine, upload_id)["number"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET new_records = NULL WHERE number = :number"), {"number": number})
    with engine.begin() as other, engine.begin() as connection:
        if is_counted_now:
            count_replaced(PlainSql(other), REGISTRY, number)
        count_replaced(PlainSql(connection), REGISTRY, number)
        read = connection.scalar(
            text("SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname LIKE 'movies%'")
        )
    assert bool(read) is not is_counted_now
    assert read < 10 * len(before)
    assert counts(engine, upload_id) == {"new": 0, "changed": 100, "unchanged": 900, "removed": 0}


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_what_later_uploads_have_set_stays(engine: Engine, load: Load, filler: dict[str, str]) -> None:
    load({"tt1": "a", "tt2": "a"} | filler, APPEND)
    replacing = load({"tt1": "b"} | filler, REPLACE)
    load({"tt2": "c"} | filler, UPSERT)
    undo(engine, REGISTRY, replacing, "public")
    assert contents(engine) == Counter(({"tt1": "a", "tt2": "c"} | filler).items())
    check_kept_sums(engine)


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_a_row_is_back_when_the_last_that_superseded_it_is_undone(
    engine: Engine, load: Load, filler: dict[str, str]
) -> None:
    load({"tt1": "a"} | filler, APPEND)
    first, second = load({"tt1": "b"} | filler, UPSERT), load({"tt1": "c"} | filler, UPSERT)
    undo(engine, REGISTRY, first, "public")
    assert contents(engine) == Counter(({"tt1": "c"} | filler).items())
    check_kept_sums(engine)
    undo(engine, REGISTRY, second, "public")
    assert contents(engine) == Counter(({"tt1": "a"} | filler).items())
    assert rows(engine, "SELECT count(*) FROM movies_history") == [(0,)]
    check_kept_sums(engine)


def superseding(engine: Engine, title: str) -> list[str]:
    """The title of what has superseded a single row with this one."""
    sql = """
        SELECT its.title FROM movies_history AS old JOIN uploads ON number = old.superseded_by
        JOIN (SELECT id, title FROM movies_superseded UNION ALL SELECT id, title FROM movies_history) AS its
            ON its.id = first_id + 2
        WHERE old.title = :title
    """
    return [title for (title,) in rows(engine, sql, title=title)]


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_an_upsert_between_an_undone_one_and_a_replacing_one_keeps_its_rows(
    engine: Engine, load: Load, filler: dict[str, str]
) -> None:
    load({"tt1": "a"} | filler, APPEND)
    undone = load({"tt1": "b"} | filler, UPSERT)
    load({"tt1": "c"} | filler, UPSERT)
    replacing = load({"tt2": "r"} | filler, REPLACE)
    undo(engine, REGISTRY, undone, "public")
    assert superseding(engine, "a") == ["c"]
    undo(engine, REGISTRY, replacing, "public")
    assert contents(engine) == Counter(({"tt1": "c"} | filler).items())
    check_kept_sums(engine)


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_an_upsert_between_two_replacing_uploads_keeps_its_rows(
    engine: Engine, load: Load, filler: dict[str, str]
) -> None:
    load({"tt1": "a"} | filler, APPEND)
    undone = load({"tt2": "r"} | filler, REPLACE)
    load({"tt1": "b"} | filler, UPSERT)
    load({"tt1": "c"} | filler, UPSERT)
    replacing = load({"tt3": "r"} | filler, REPLACE)
    undo(engine, REGISTRY, undone, "public")
    assert superseding(engine, "a") == ["b"]
    undo(engine, REGISTRY, replacing, "public")
    assert contents(engine) == Counter(({"tt1": "c"} | filler).items())
    check_kept_sums(engine)


def test_sums_of_leaves_that_an_undo_brings_back(engine: Engine, loader: Loader, intake: Intake) -> None:
    """Of their rows some are superseded at once, by a later upsert."""

    def load(values: dict[str, int], mode: WriteMode) -> uuid.UUID:
        lines = "".join(f"{key}\t{key}\t{year}\n" for key, year in values.items())
        upload_id = intake(f"tconst\tprimaryTitle\tstartYear\n{lines}".encode(), "title.basics.tsv", mode=mode)
        loader.load(upload_id, never)
        return upload_id

    load({f"tt{number:07}": 1950 for number in range(60)}, APPEND)
    replacing = load({"tt1": 1960}, REPLACE)
    load({"tt0000003": 1970, "tt0000004": 1970, "tt9": 1950}, UPSERT)
    undo(engine, REGISTRY, replacing, "public")
    assert len(contents(engine)) == 61
    check_kept_sums(engine)


def test_an_upload_that_completes_while_it_is_undone(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The undo is a version of its own, whenever it comes."""
    upload_id = intake(titles({"tt1": "a"}), "title.basics.tsv", mode=APPEND)
    looks: list[Any] = []

    def look(*arguments: Any) -> Any:
        looks.append(_look(*arguments))
        if len(looks) == 1:
            loader.load(upload_id, never)
        return looks[-1]

    monkeypatch.setattr("shared.ingest.lifecycle.undoing._look", look)
    undo(engine, REGISTRY, upload_id, "public")
    assert looks[0] is None
    assert rows(engine, "SELECT version, change FROM collection_versions ORDER BY 1") == [
        (1, "published"),
        (2, "undone"),
    ]
    assert contents(engine) == Counter()


def test_a_merge_notices_what_is_superseded_meanwhile(engine: Engine, settings: Settings, load: Load) -> None:
    for key in ("tt1", "tt2"):
        load({key: "a"} | FILLER, APPEND)
    merge_all(eager(engine, settings, should_stop=stop_after(20)))  # some or all of it is copied
    assert rows(engine, "SELECT is_merged FROM merges") == [(False,)]
    upserting = load({"tt1": "b"}, UPSERT)
    undo(engine, REGISTRY, load({"tt2": "b"}, UPSERT), "public")
    merge_all(eager(engine, settings))
    assert rows(engine, "SELECT is_merged FROM merges") == [(True,)]
    assert contents(engine)["tt1", "a"] == 0
    undo(engine, REGISTRY, upserting, "public")
    assert contents(engine)["tt1", "a"] == contents(engine)["tt2", "a"] == 1
    check_kept_sums(engine)


def test_a_file_is_sent_again_once_another_has_changed_something(engine: Engine, intake: Intake, load: Load) -> None:
    """The same bytes do nothing only as long as they are the latest."""
    first = load({"tt1": "a"}, UPSERT)
    assert intake(titles({"tt1": "a"}), "title.basics.tsv", mode=UPSERT, forced=False) == first
    load({"tt1": "b"}, UPSERT)
    again = intake(titles({"tt1": "a"}), "title.basics.tsv", mode=UPSERT, forced=False)
    assert again != first
    assert upload(engine, again)["forced"]


def test_the_same_file_before_and_after_one_that_replaced_it(engine: Engine, loader: Loader, intake: Intake) -> None:
    """An undo brings the first one back although the second is there."""
    ids = []
    for content, mode in ((b"tt1", APPEND), (b"tt2", REPLACE), (b"tt1", APPEND)):
        ids.append(intake(b"tconst\tprimaryTitle\n" + content + b"\ta\n", "title.basics.tsv", forced=False, mode=mode))
        loader.load(ids[-1], never)
    assert len(set(ids)) == 3
    undo(engine, REGISTRY, ids[1], "public")
    assert contents(engine) == Counter({("tt1", "a"): 2})


def test_a_dataset_without_a_key_is_replaced_and_not_upserted(
    engine: Engine, settings: Settings, loader: Loader
) -> None:
    declaration = Declaration.parse({"name": "cinemas", "schema": {"fields": [{"name": "name"}]}})
    with engine.begin() as connection:
        number = declare(connection, "public", declaration)
    assert number is not None
    registry = REGISTRY.with_declared([declaration.dataset(number)])

    def take_in(mode: WriteMode) -> uuid.UUID:
        intake = FileIntake(open_storage(settings), settings, "c.csv", TextOptions(), UploadHeader(registry, "cinemas"))
        intake.feed(b"name\nRex\nRex\n")
        options = UploadOptions("public", Transport.CELERY, "test-trace", forced=True, mode=mode)
        with engine.begin() as connection:
            return register(connection, intake.finish(), options).upload_id

    with pytest.raises(KeyMissing):
        take_in(UPSERT)
    for _ in range(2):
        upload_id = take_in(REPLACE)
        loader.load(upload_id, never)
    assert rows(engine, f"SELECT count(*) FROM d{number}") == [(2,)]
    assert counts(engine, upload_id) == {"new": 2, "changed": 0, "unchanged": 0, "removed": 2}


def test_what_changes_after_the_comparison_is_compared_again(
    engine: Engine, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load({"tt1": "a"} | FILLER)
    meanwhile: list[uuid.UUID] = []

    def publish_another(point: str) -> None:
        if point == "publish.compared" and not meanwhile:
            meanwhile.append(load({"tt1": "b", "tt2": "b"}, UPSERT))

    monkeypatch.setattr("shared.ingest.publishing.large_upload.reach", publish_another)
    upload_id = load({"tt1": "b", "tt2": "c"} | FILLER, UPSERT)
    assert meanwhile
    assert contents(engine) == Counter(({"tt1": "b", "tt2": "c"} | FILLER).items())
    assert counts(engine, upload_id) == {"new": 0, "changed": 1, "unchanged": 1 + len(FILLER), "removed": 0}
    check_kept_sums(engine)


def test_a_merge_leaves_room_for_what_an_undo_brings_back(
    engine: Engine, settings: Settings, loader: Loader, intake: Intake, load: Load
) -> None:
    """The upload that replaces the other has the lower ids."""
    replacing = intake(titles({"tt1": "new"} | FILLER), "title.basics.tsv", mode=REPLACE)
    load({"tt1": "old"} | FILLER, APPEND)
    loader.load(replacing, never)
    load({"tt2": "later"} | FILLER, APPEND)
    merge_all(eager(engine, settings))
    undo(engine, REGISTRY, replacing, "public")
    merge_all(eager(engine, settings))
    assert contents(engine)["tt1", "old"] == contents(engine)["tt2", "later"] == 1
    check_kept_sums(engine)


def test_uploads_that_were_replaced_and_undone_leave_nothing(engine: Engine, settings: Settings, load: Load) -> None:
    replaced = [load({f"tt{number}": "a"} | FILLER, APPEND) for number in range(3)]
    merge_all(eager(engine, settings))
    replacing = load({"tt9": "a"} | FILLER, REPLACE)
    for upload_id in replaced:
        undo(engine, REGISTRY, upload_id, "public")
    undo(engine, REGISTRY, replacing, "public")
    assert contents(engine) == Counter()
    assert rows(engine, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^movies_[umw][0-9]'") == []
    assert rows(engine, "SELECT count(*) FROM movies_history") == [(0,)]


def correction_of(line: int, key: str, value: str) -> bytes:
    header = f"_line\t_column\t_code\t_message\t_hint\ttconst\t{NAMES}\n"
    return f"{header}{line}\t\t\t\t\t{key}\t{cells(value)}\n".encode()


@pytest.mark.parametrize("is_large", [False, True])
def test_a_corrected_record_is_as_old_as_its_upload(
    engine: Engine, loader: Loader, load: Load, correct: Correct, is_large: bool
) -> None:
    """It supersedes what its upload does, and what a later upload has set stays."""
    filler = FILLER if is_large else {}
    load({"tt1": "a", "tt2": "a"} | filler, APPEND)
    upserting = load({"wrong": "b", "wrong2": "b", "tt3": "b"} | filler, UPSERT)
    later = load({"tt2": "c"} | filler, UPSERT)
    for line, key in ((2, "tt1"), (3, "tt2")):
        loader.load(correct(upserting, correction_of(line, key, "b"), "rejects.tsv"), never)
    assert contents(engine) == Counter(({"tt1": "b", "tt2": "c", "tt3": "b"} | filler).items())
    check_kept_sums(engine)
    undo(engine, REGISTRY, later, "public")
    assert contents(engine) == Counter(({"tt1": "b", "tt2": "b", "tt3": "b"} | filler).items())
    undo(engine, REGISTRY, upserting, "public")
    assert contents(engine) == Counter(({"tt1": "a", "tt2": "a"} | filler).items())
    check_kept_sums(engine)


def test_a_corrected_record_does_not_repeat_a_key_that_is_superseded(
    engine: Engine, loader: Loader, load: Load, correct: Correct
) -> None:
    appended = load({"wrong": "a", "tt1": "a"} | FILLER, APPEND)
    upserting = load({"tt1": "b"}, UPSERT)
    correction = correct(appended, correction_of(2, "tt1", "a"), "rejects.tsv")
    loader.load(correction, never)
    assert upload(engine, correction)["rejected_records"] == 1
    undo(engine, REGISTRY, upserting, "public")
    assert contents(engine)["tt1", "a"] == 1


def test_a_row_that_an_upsert_has_removed_is_not_back_when_a_corrected_one_is_undone(
    engine: Engine, loader: Loader, load: Load, correct: Correct
) -> None:
    """The correction comes between the row and the upsert, and goes again."""
    load({"tt1": "a"}, APPEND)
    corrected = load({"wrong": "b", "tt2": "b"}, UPSERT)
    load({"tt1": "c"}, APPEND)
    load({"tt1": "c"}, UPSERT)  # it keeps the row that is equal, and removes the other one
    loader.load(correct(corrected, correction_of(2, "tt1", "b"), "rejects.tsv"), never)
    undo(engine, REGISTRY, corrected, "public")
    assert contents(engine) == Counter({("tt1", "c"): 1})
    check_kept_sums(engine)


def test_what_was_replaced_cannot_be_corrected(engine: Engine, loader: Loader, load: Load, correct: Correct) -> None:
    replaced = load({"wrong": "a", "tt1": "a"}, APPEND)
    registered = correct(replaced, correction_of(2, "tt2", "a"), "rejects.tsv")
    load({"tt3": "a"}, REPLACE)
    with pytest.raises(StateConflict, match="replaced by a later one"):
        correct(replaced, correction_of(2, "tt2", "a"), "rejects.tsv")
    loader.load(registered, never)
    assert upload(engine, registered)["error_code"] == "corrected_upload_ended"
    assert contents(engine) == Counter({("tt3", "a"): 1})
