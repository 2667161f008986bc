"""What uploads do to the rows before them, and undoing it, against a model (`collection_model`)."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from typing import ClassVar

import pytest
from hypothesis import Phase
from hypothesis import settings as configure
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine

from shared.catalog.declaration import Declaration
from shared.catalog.write_mode import WriteMode
from shared.csv.sniffing.sniff import TextOptions
from shared.database.declarations import declare
from shared.errors import KeyMissing, StateConflict
from shared.ingest.intake.file_intake import FileIntake
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.intake.registration import UploadOptions, register
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.merging.merger import merge_all
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration import tables
from tests.integration.ingest.collection_model import ModelCollection, Published
from tests.integration.ingest.merging import eager
from tests.integration.ingest.test_actions import stop_after
from tests.integration.ingest.test_loader import never, rows, upload

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

APPEND, REPLACE, UPSERT = WriteMode
# So many records that the upload is large, all with the same values in each file.
FILLER = {f"tt1{number:06}": "filler" for number in range(40)}

Load = Callable[..., uuid.UUID]


def titles(values: Mapping[str, str]) -> bytes:
    return ("tconst\tprimaryTitle\n" + "".join(f"{key}\t{value}\n" for key, value in values.items())).encode()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A file with the filler is large and has several batches."""
    return settings.model_copy(update={"small_upload_bytes": 512, "batch_bytes": 512})


@pytest.fixture
def load(loader: Loader, intake: Intake) -> Load:
    def load(values: Mapping[str, str], mode: WriteMode | None = None) -> uuid.UUID:
        upload_id = intake(titles(values), "title.basics.tsv", mode=mode)
        loader.load(upload_id, never)
        return upload_id

    return load


def contents(engine: Engine) -> Counter[tuple[str, str]]:
    """Key and value of each visible row."""
    return Counter(tuple(row) for row in rows(engine, "SELECT source_id, title FROM movies"))


def counts(engine: Engine, upload_id: uuid.UUID) -> dict[str, int]:
    found = upload(engine, upload_id)
    return {name: found[f"{name}_records"] for name in ("new", "changed", "unchanged", "removed")}


def check_kept_sums(engine: Engine) -> None:
    """Everything that is counted agrees with what is there."""
    listed = rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies")[0]
    counted = rows(engine, "SELECT coalesce(sum(row_count), 0) FROM collection_totals")[0][0]
    visible = "state = 'completed' AND corrects IS NULL AND superseded_by IS NULL"
    current = rows(engine, f"SELECT coalesce(sum(current_records), 0) FROM uploads WHERE {visible}")[0][0]
    assert set(listed) == {counted} == {current}
    totals = """
        SELECT number, current_records, coalesce(sum(row_count), 0)
        FROM uploads LEFT JOIN upload_totals ON upload_number = number
        WHERE state = 'completed' AND corrects IS NULL
        GROUP BY number HAVING current_records <> coalesce(sum(row_count), 0)
    """
    assert rows(engine, totals) == []
    by_facets = """
        SELECT facets, sum(row_count) FROM collection_totals GROUP BY facets HAVING sum(row_count) <> 0
        EXCEPT
        SELECT jsonb_build_object('release_year', release_year, 'original_language', original_language), count(*)
        FROM movies GROUP BY 1
    """
    assert rows(engine, by_facets) == []


class Modes(RuleBasedStateMachine):
    """Uploads of one collection, small and large, of every mode; undos; merges."""

    engine: ClassVar[Engine]
    settings: ClassVar[Settings]
    load: ClassVar[Load]

    def __init__(self) -> None:
        super().__init__()
        tables.empty(self.engine)
        self.model = ModelCollection()
        self.ids: dict[Published, uuid.UUID] = {}

    @rule(
        mode=st.sampled_from(WriteMode),
        values=st.dictionaries(st.sampled_from(["tt1", "tt2", "tt3"]), st.sampled_from("abc"), min_size=1),
        is_large=st.booleans(),
    )
    def publish(self, mode: WriteMode, values: dict[str, str], is_large: bool) -> None:
        values |= FILLER if is_large else {}
        published = self.model.publish(mode, values)
        self.ids[published] = type(self).load(values, mode)
        assert upload(self.engine, self.ids[published])["state"] == "completed"
        assert counts(self.engine, self.ids[published]) == published.counts

    @precondition(lambda self: any(each.counts_for for each in self.model.uploads))
    @rule(which=st.runner().flatmap(lambda self: st.sampled_from([u for u in self.model.uploads if u.counts_for])))
    def take_back(self, which: Published) -> None:
        undo(self.engine, REGISTRY, self.ids[which], "public")
        which.counts_for = False

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
    engine: Engine, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"engine": engine, "settings": settings, "load": staticmethod(load)}.items():
        monkeypatch.setattr(Modes, name, value, raising=False)
    phases = set(Phase) - {Phase.explain}
    run_state_machine_as_test(
        Modes, settings=configure(max_examples=40, stateful_step_count=12, deadline=None, phases=phases)
    )


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
    undo(engine, REGISTRY, second, "public")
    assert contents(engine) == Counter(({"tt1": "a"} | filler).items())
    assert rows(engine, "SELECT count(*) FROM movies_history") == [(0,)]
    check_kept_sums(engine)


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
    header = "_line\t_column\t_code\t_message\t_hint\ttconst\tprimaryTitle\n"
    return f"{header}{line}\t\t\t\t\t{key}\t{value}\n".encode()


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


def test_what_was_replaced_cannot_be_corrected(engine: Engine, loader: Loader, load: Load, correct: Correct) -> None:
    replaced = load({"wrong": "a", "tt1": "a"}, APPEND)
    registered = correct(replaced, correction_of(2, "tt2", "a"), "rejects.tsv")
    load({"tt3": "a"}, REPLACE)
    with pytest.raises(StateConflict, match="replaced by a later one"):
        correct(replaced, correction_of(2, "tt2", "a"), "rejects.tsv")
    loader.load(registered, never)
    assert upload(engine, registered)["error_code"] == "corrected_upload_ended"
    assert contents(engine) == Counter({("tt3", "a"): 1})
