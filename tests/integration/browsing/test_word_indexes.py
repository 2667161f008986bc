"""Indexes of words come after an upload is visible; until then it is found by less, and nobody waits for them."""

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.search.engine import Found, HitType, Search
from api.search.postgres import PostgresSearch
from shared.database.queries.search.unindexed import UNINDEXED
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.words import word_indexes
from shared.ingest.words.word_indexes import WordIndexes
from shared.settings import Settings
from tests.conftest import REGISTRY, Intake
from tests.integration.browsing.conftest import Read
from tests.integration.ingest.test_loader import never, rows
from tests.rows import movies
from tests.waiting import eventually

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

FILE = movies(
    {"title": "Metropolis", "overview": "A city of the future", "vote_count": "9"},
    {"title": "The Lost Metropolis", "vote_count": ""},
    *({"title": f"Film {number}"} for number in range(20)),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The file is large."""
    return settings.model_copy(update={"small_upload_bytes": 1024})


@pytest.fixture
def upload(loader: Loader, intake: Intake) -> uuid.UUID:
    upload_id = intake(FILE)
    loader.load(upload_id, never)
    return upload_id


@pytest.fixture
def builder(engine: Engine) -> WordIndexes:
    return WordIndexes(engine, REGISTRY)


def unindexed(engine: Engine, tenant: str = "public") -> int:
    with engine.connect() as connection:
        return len(connection.scalars(UNINDEXED, {"tenant": tenant}).all())


def indexes(engine: Engine) -> set[str]:
    return {name for (name,) in rows(engine, "SELECT indexname FROM pg_indexes WHERE tablename = 'movies_u1'")}


def search(read: Read, query: str) -> tuple[list[Any], bool]:
    wanted = Search("public", query, frozenset({HitType.MOVIE}), 10, 0)
    found: Found
    found = read(lambda engine: PostgresSearch(engine).search(wanted))
    return [hit["title"] for hit in found.hits], found.is_exact


@pytest.mark.usefixtures("upload")
def test_rows_without_an_index_of_words_are_not_looked_at(engine: Engine, read: Read, builder: WordIndexes) -> None:
    assert (unindexed(engine), unindexed(engine, "other")) == (1, 0)
    before = indexes(engine)
    assert search(read, "metropolis") == (["Metropolis"], False)
    assert search(read, "future") == ([], False)
    builder.build_all()
    assert unindexed(engine) == 0
    assert indexes(engine) - before == {"movies_u1_words", "movies_u1_overview", "movies_u1_type_title"}
    assert search(read, "metropolis") == (["Metropolis", "The Lost Metropolis"], True)
    assert search(read, "future") == (["Metropolis"], True)


def test_what_readers_do_not_see_gets_no_index(engine: Engine, upload: uuid.UUID, builder: WordIndexes) -> None:
    undo(engine, REGISTRY, upload, "public")
    builder.build_all()
    assert not rows(engine, "SELECT FROM pg_class WHERE relname LIKE 'movies\\_x%\\_words'")
    assert not rows(engine, "SELECT FROM pg_class WHERE relname LIKE 'movies\\_u%\\_words'")


def build_slowly(monkeypatch: pytest.MonkeyPatch, builder: WordIndexes, begun: threading.Event) -> threading.Thread:
    """A build of half a minute, under way."""

    def steps(_table: object, leaf: str) -> list[str]:
        begun.set()
        return [f"LOCK TABLE {leaf} IN SHARE MODE; SELECT pg_sleep(30)"]

    monkeypatch.setattr(word_indexes, "create_word_indexes", steps)
    thread = threading.Thread(target=builder.build_all, daemon=True)
    thread.start()
    assert begun.wait(10)
    return thread


HELD = "SELECT FROM pg_locks WHERE relation = 'movies_u1'::regclass AND mode = 'ShareLock' AND granted"


@pytest.mark.usefixtures("upload")
def test_a_build_gives_way_to_who_changes_rows(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, builder: WordIndexes
) -> None:
    thread = build_slowly(monkeypatch, builder, threading.Event())
    assert eventually(lambda: rows(engine, HELD))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text("LOCK TABLE movies_u1 IN ROW EXCLUSIVE MODE"))
    thread.join(20)
    assert not thread.is_alive()
    assert unindexed(engine) == 1
    monkeypatch.undo()
    builder.build_all()
    assert unindexed(engine) == 1  # it rests
    WordIndexes(engine, REGISTRY).build_all()
    assert unindexed(engine) == 0


@pytest.mark.usefixtures("upload")
def test_one_process_builds(engine: Engine, builder: WordIndexes) -> None:
    with engine.begin() as connection:
        connection.execute(text(word_indexes._LOCK))
        builder.build_all()
        assert unindexed(engine) == 1
    builder.build_all()
    assert unindexed(engine) == 0


@pytest.mark.usefixtures("upload")
def test_loads_come_first_but_not_for_ever(engine: Engine, intake: Intake, builder: WordIndexes) -> None:
    intake(movies({}))
    builder.build_all()
    assert unindexed(engine) == 1
    with engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET finished_at = finished_at - interval '1 hour' WHERE number = 1"))
    builder.build_all()
    assert unindexed(engine) == 0


@pytest.mark.usefixtures("upload")
def test_a_process_that_ends_builds_nothing(engine: Engine) -> None:
    WordIndexes(engine, REGISTRY, lambda: True).build_all()
    assert unindexed(engine) == 1
