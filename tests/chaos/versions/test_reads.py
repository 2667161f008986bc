"""What a reader of a collection may see, and what the checker must convict."""

import time
from collections.abc import Collection, Sequence
from contextlib import closing

import psycopg2
import pytest

from shared.settings import Settings
from tests.chaos.versions import naive
from tests.chaos.versions.history import order_findings
from tests.chaos.versions.model import Model, Records, Row, State
from tests.chaos.versions.reads import Read, Version, judge

FIRST: Records = {2: ("tt1", "a"), 3: ("tt2", "a"), 4: ("tt3", "a")}
SECOND: Records = {2: ("tt1", "b"), 3: ("tt2", "a"), 4: ("tt4", "b")}
THIRD: Records = {2: ("tt5", "c"), 3: ("tt6", "c"), 4: ("tt7", "c")}
VERSIONS = [
    Version(1, "one", "published", 10.0),
    Version(2, "two", "published", 20.0),
    Version(3, "three", "published", 30.0),
    Version(4, "two", "undone", 40.0),
    Version(5, "three", "undone", 50.0),
]


def states() -> list[State]:
    """An append, an upsert, a replace; then the upsert and the replace are undone."""
    model = Model()
    found = [model.state]
    for upload, mode, records in (("one", "append", FIRST), ("two", "upsert", SECOND), ("three", "replace", THIRD)):
        model.publish(upload, mode, records)  # type: ignore[arg-type]
        found.append(model.state)
    for upload in ("two", "three"):
        model.undo(upload)
        found.append(model.state)
    return found


STATES = states()


def kinds(*reads: Read, versions: Sequence[Version] = VERSIONS, of: Sequence[State] = STATES) -> list[str]:
    return [finding.kind for finding in judge("here", reads, versions, of)]


def read(rows: Collection[Row], begin: float, end: float | None = None, total: int | None = None) -> Read:
    return Read.of("reader", begin, begin if end is None else end, len(rows) if total is None else total, sorted(rows))


def values(state: State) -> dict[str, str]:
    return {row.key: row.value for row in state.rows}


def test_the_model_knows_the_modes_and_undo() -> None:
    _none, one, two, three, without_two, end = map(values, STATES)
    assert one == {"tt1": "a", "tt2": "a", "tt3": "a"}
    assert two == {"tt1": "b", "tt2": "a", "tt3": "a", "tt4": "b"}
    assert three == without_two == {"tt5": "c", "tt6": "c", "tt7": "c"}
    assert end == one


def test_the_model_counts_what_an_upload_changes() -> None:
    model = Model()
    assert model.publish("one", "append", FIRST).counts == {"new": 3, "changed": 0, "unchanged": 0, "removed": 0}
    assert model.publish("two", "upsert", SECOND).counts == {"new": 1, "changed": 1, "unchanged": 1, "removed": 0}
    assert model.publish("three", "replace", FIRST).counts == {"new": 0, "changed": 1, "unchanged": 2, "removed": 1}
    assert {row.key: upload for row, upload in model.superseded.items() if row.upload == "one"} == {
        "tt1": "two",
        "tt2": "three",
        "tt3": "three",
    }


def test_a_corrected_record_is_as_old_as_its_upload() -> None:
    model = Model()
    for upload, value in (("one", "a"), ("two", "b"), ("three", "c")):
        model.publish(upload, "append" if upload == "one" else "upsert", {2: ("tt1", value)})
    model.publish("four", "upsert", {2: ("tt2", "d")})
    model.correct("two", {3: ("tt2", "x"), 4: ("tt3", "x")})
    assert values(model.state) == {"tt1": "c", "tt2": "d", "tt3": "x"}
    model.undo("four")
    assert values(model.state) == {"tt1": "c", "tt2": "x", "tt3": "x"}
    model.undo("two")
    assert values(model.state) == {"tt1": "c"}


def test_each_version_may_be_seen_at_its_time() -> None:
    moments = [5.0, 15.0, 25.0, 35.0, 45.0, 55.0]
    assert kinds(*(read(state.rows, moment) for state, moment in zip(STATES, moments, strict=True))) == []


def test_the_old_or_the_new_version_may_be_seen_while_one_is_published() -> None:
    assert kinds(read(STATES[1].rows, 19.0, 21.0)) == kinds(read(STATES[2].rows, 19.0, 21.0)) == []


@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_mix_of_two_versions_is_found(number: int) -> None:
    old, new = sorted(STATES[number - 1].rows), sorted(STATES[number].rows)
    at = VERSIONS[number - 1].at
    assert kinds(read({*old, *new}, at - 1, at + 1)) == ["mixed versions"]
    assert kinds(read({*old[:1], *new[1:]}, at - 1, at + 1)) == ["mixed versions"]


def test_neither_the_old_nor_the_new_version_is_found() -> None:
    assert kinds(read([], 29.0, 31.0)) == ["stale version"]  # it is version 0
    assert kinds(read(sorted(STATES[3].rows)[:1], 29.0, 31.0)) == ["mixed versions"]


def test_a_lost_changed_row_is_found() -> None:
    rows = [row for row in STATES[2].rows if row.value != "b" or row.key != "tt1"]
    assert kinds(read(rows, 25.0)) == ["mixed versions"]


def test_a_row_that_stays_after_a_replace_is_found() -> None:
    assert kinds(read([*STATES[3].rows, min(STATES[1].rows)], 35.0)) == ["mixed versions"]


def test_an_old_version_and_one_that_was_not_there_yet_are_found() -> None:
    assert kinds(read(STATES[1].rows, 35.0)) == kinds(read(STATES[3].rows, 15.0)) == ["stale version"]


def test_a_reader_that_goes_back_is_found() -> None:
    assert kinds(read(STATES[2].rows, 20.5), read(STATES[1].rows, 21.0)) == ["stale version"]


def test_a_page_must_have_rows_of_the_version_with_its_total() -> None:
    page = sorted(STATES[2].rows)[:2]
    assert kinds(read(page, 25.0, total=4)) == []
    assert kinds(read(page, 25.0, total=5)) == ["mixed versions"]
    assert kinds(read([page[0], max(STATES[3].rows)], 25.0, total=4)) == ["mixed versions"]


def test_the_state_of_an_upload_must_fit_its_versions() -> None:
    ends = {"one": "completed", "two": "undone", "three": "undone"}
    assert list(order_findings("here", VERSIONS, ends)) == []
    for wrong in (VERSIONS[:-1], VERSIONS[1:], [*VERSIONS, Version(6, "one", "published", 60.0)]):
        assert {finding.kind for finding in order_findings("here", wrong, ends)} == {"wrong versions"}


def test_a_naive_implementation_is_convicted(settings: Settings) -> None:
    reads: list[Read] = []
    with closing(psycopg2.connect(settings.database_url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(naive.TABLE)

        def look() -> None:
            begin = time.time()
            rows = naive.visible(connection)
            reads.append(Read.of("reader", begin, time.time(), len(rows), rows))

        model, versions, of = Model(), list[Version](), [State(frozenset(), Model().state.digest)]
        for upload, mode, records in (("one", "append", FIRST), ("two", "upsert", SECOND), ("three", "replace", THIRD)):
            versions.append(Version(len(of), upload, "published", time.time()))
            naive.publish(settings.database_url, upload, mode, records, look)  # type: ignore[arg-type]
            model.publish(upload, mode, records)  # type: ignore[arg-type]
            of.append(model.state)
    found = list(judge("here", reads, versions, of))
    assert {finding.kind for finding in found} == {"mixed versions", "stale version"}
    assert reads[-1].fits(of[-1])  # in the end all is well: only readers notice
