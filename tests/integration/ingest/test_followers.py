"""Those who follow a dataset by its feed, and those who look back: what they are told, and when they must wait."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.listings.feed import read_feed
from shared.catalog.schemas.declaration import Declaration
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.csv.sniffing.sniff import TextOptions
from shared.database.declarations import declare
from shared.database.engine import create_read_engine
from shared.database.loader_connection import LoaderConnection
from shared.errors import HistoryExpired
from shared.ingest.intake.file_intake import FileIntake
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.intake.registration import UploadOptions, register
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.sweep import count_what_is_left
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.loading.loader import Loader
from shared.ingest.publishing.large_upload import publish_large
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.follower import Follower
from tests.integration.ingest.test_actions import stop_after
from tests.integration.ingest.test_loader import begun, never, rows, upload
from tests.integration.ingest.test_write_modes import APPEND, REPLACE, UPSERT, contents, correction_of
from tests.integration.ingest.titles import FILLER, Load, titles
from tests.rows import movies

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

Page = dict[str, Any]
TITLES = REGISTRY.get("title.basics").table


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A file with the filler is large and has several batches."""
    return settings.model_copy(update={"small_upload_bytes": 512, "batch_bytes": 512})


class Reader:
    """Reads the feed of any dataset, page by page."""

    def __init__(self, settings: Settings, table: Table, dataset: str) -> None:
        self._settings, self._table, self._dataset = settings, table, dataset
        self._cursor: str | None = None

    def page(self, limit: int = 100) -> Page:
        page = asyncio.run(self._read(limit))
        self._cursor = page["cursor"]
        return page

    def items(self, limit: int = 100) -> list[Page]:
        """Those of all pages that there are."""
        found: list[Page] = []
        is_more = True
        while is_more:
            page = self.page(limit)
            found += page["items"]
            is_more = page["has_more"]
        return found

    async def _read(self, limit: int) -> Page:
        engine = create_read_engine(self._settings)
        try:
            return await read_feed(engine, self._table, "public", self._dataset, self._cursor, limit)
        finally:
            await engine.dispose()


# -- what has no key is named by its id


class Cinemas:
    """A declared dataset without a key, and a reader of its feed."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        declaration = Declaration.parse({"name": "cinemas", "schema": {"fields": [{"name": "name"}]}})
        with engine.begin() as connection:
            number = declare(connection, "public", declaration)
        assert number is not None
        dataset = declaration.dataset(number)
        self._engine, self._settings = engine, settings
        self._registry = REGISTRY.with_declared([dataset])
        self._loader = Loader(settings, REGISTRY, open_storage(settings))
        self.reader = Reader(settings, dataset.table, "cinemas")

    def load(self, *names: str, mode: WriteMode = APPEND) -> uuid.UUID:
        storage, header = open_storage(self._settings), UploadHeader(self._registry, "cinemas")
        intake = FileIntake(storage, self._settings, "c.csv", TextOptions(), header)
        intake.feed("\n".join(["name", *names, ""]).encode())
        options = UploadOptions("public", Transport.CELERY, "test-trace", forced=True, mode=mode)
        with self._engine.begin() as connection:
            upload_id = register(connection, intake.finish(), options).upload_id
        self._loader.load(upload_id, never)
        assert upload(self._engine, upload_id)["state"] == "completed"
        return upload_id

    def undo(self, upload_id: uuid.UUID) -> None:
        undo(self._engine, self._registry, upload_id, "public")
        drop_withdrawn(self._engine, self._registry)

    def close(self) -> None:
        self._loader.close()


@pytest.fixture
def cinemas(engine: Engine, settings: Settings) -> Iterator[Cinemas]:
    cinemas = Cinemas(engine, settings)
    yield cinemas
    cinemas.close()


def names_by_id(items: list[Page]) -> dict[int, list[str]]:
    assert all(item["key"] is None for item in items)
    return {item["id"]: [row["name"] for row in item["rows"]] for item in items}


@pytest.mark.parametrize("names", [("Rex", "Lux"), tuple(f"Cinema {n:03}" for n in range(60))], ids=["small", "large"])
def test_rows_without_a_key_are_named_by_their_ids(cinemas: Cinemas, names: tuple[str, ...]) -> None:
    first = cinemas.load(*names)
    told = names_by_id(cinemas.reader.items(limit=7))
    assert [value for values in told.values() for value in values] == list(names)
    replacing = cinemas.load("Odeon", mode=REPLACE)
    replaced = names_by_id(cinemas.reader.items(limit=7))
    assert {each: replaced[each] for each in told} == {each: [] for each in told}
    assert [values for each, values in replaced.items() if each not in told] == [["Odeon"]]
    cinemas.undo(replacing)
    restored = names_by_id(cinemas.reader.items(limit=7))
    assert restored == told | {each: [] for each in replaced if each not in told}
    cinemas.undo(first)
    assert names_by_id(cinemas.reader.items(limit=7)) == {each: [] for each in told}
    assert cinemas.reader.items() == []


def test_rows_that_lack_their_key_are_named_by_their_ids(
    engine: Engine, settings: Settings, loader: Loader, intake: Intake
) -> None:
    """The table has a key, but files of this dataset do not."""
    table = REGISTRY.get("movies").table
    assert table.key
    reader = Reader(settings, table, "movies")
    upload_id = intake(movies({}, {}, {}))
    loader.load(upload_id, never)
    items = reader.items(limit=1)
    ids = [item["id"] for item in items]
    assert [item["key"] for item in items] == [None, None, None]
    assert [row[table.free_name("id")] for item in items for row in item["rows"]] == ids
    undo(engine, REGISTRY, upload_id, "public")
    gone = reader.items()
    assert sorted(item["id"] for item in gone) == ids
    assert [item["rows"] for item in gone] == [[], [], []]


# -- what is not known yet


def test_the_feed_waits_until_the_rows_of_an_undone_upload_are_listed(
    engine: Engine, follower: Follower, settings: Settings, load: Load
) -> None:
    large = load({"tt1": "a"} | FILLER, APPEND)
    follower.read()
    reader = Reader(settings, TITLES, "title.basics")
    reader.items()
    undo(engine, REGISTRY, large, "public")
    load({"tt2": "b"}, APPEND)
    for _ in range(2):
        assert reader.page() | {"cursor": ""} == {"items": [], "cursor": "", "has_more": False}
    drop_withdrawn(engine, REGISTRY)
    told = {item["key"]["source_id"]: len(item["rows"]) for item in reader.items(limit=10)}
    assert told == dict.fromkeys(["tt1", *FILLER], 0) | {"tt2": 1}
    follower.read()
    assert follower.contents == contents(engine) == Counter({("tt2", "b"): 1})


def test_the_feed_waits_until_the_changes_of_what_has_replaced_are_counted(
    engine: Engine, settings: Settings, follower: Follower, loader: Loader, intake: Intake, load: Load
) -> None:
    load({"tt1": "a", "tt2": "a"}, APPEND)
    follower.read()
    replacing = intake(titles({"tt1": "b"} | FILLER), "title.basics.tsv", mode=REPLACE)
    [[batches]] = rows(
        engine,
        "SELECT count(*) FROM batches JOIN uploads ON upload_number = uploads.number WHERE id = :id",
        id=replacing,
    )
    loader.load(replacing, stop_after(batches))
    connection = LoaderConnection(settings)
    assert publish_large(loader.pool, settings, begun(connection, replacing))
    connection.close()
    assert upload(engine, replacing)["new_records"] is None
    load({"tt3": "c"}, APPEND)
    follower.read()
    assert follower.contents == Counter({("tt1", "a"): 1, ("tt2", "a"): 1})
    count_what_is_left(engine, REGISTRY, lease_seconds=0)
    follower.read()
    assert follower.contents == contents(engine) == Counter(({"tt1": "b", "tt3": "c"} | FILLER).items())


# -- what followers are told


@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_followers_are_told_what_is_gone(
    engine: Engine, follower: Follower, load: Load, filler: dict[str, str]
) -> None:
    upload_id = load({"tt1": "a", "tt2": "a", "tt3": "a"} | filler, APPEND)
    follower.read()
    assert follower.contents == contents(engine)
    undo(engine, REGISTRY, upload_id, "public")
    drop_withdrawn(engine, REGISTRY)
    follower.read()
    assert follower.contents == Counter()


@pytest.mark.parametrize("mode", [APPEND, UPSERT, REPLACE])
def test_followers_are_told_of_corrections(
    engine: Engine, follower: Follower, loader: Loader, load: Load, correct: Correct, mode: WriteMode
) -> None:
    load({"tt1": "a"}, APPEND)
    corrected = load({"wrong": "", "tt2": "a"}, mode)
    follower.read()
    loader.load(correct(corrected, correction_of(2, "tt1", "b"), "rejects.tsv"), never)
    follower.read()
    assert follower.contents == contents(engine)
    assert follower.contents["tt1", "b"] == 1


@pytest.mark.parametrize("mode", [UPSERT, REPLACE])
@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
def test_followers_are_told_what_is_back(
    engine: Engine, follower: Follower, load: Load, mode: WriteMode, filler: dict[str, str]
) -> None:
    load({"tt1": "a", "tt2": "a"} | filler, APPEND)
    before = contents(engine)
    changing = load({"tt1": "b", "tt3": "b"}, mode)
    follower.read()
    assert follower.contents == contents(engine) != before
    undo(engine, REGISTRY, changing, "public")
    follower.read()
    assert follower.contents == contents(engine) == before


def test_each_page_goes_on_where_the_one_before_has_ended(engine: Engine, settings: Settings, load: Load) -> None:
    """In each kind of list: rows, changes, and what was touched."""
    reader = Reader(settings, TITLES, "title.basics")
    values = {f"tt{number}": "a" for number in range(5)}

    def keys() -> list[str]:
        return [item["key"]["source_id"] for item in reader.items(limit=2)]

    load({"tt9": "a"}, APPEND)
    assert keys() == ["tt9"]
    appended = load(values, APPEND)
    assert sorted(keys()) == sorted(values)
    changing = load(dict.fromkeys(values, "b"), UPSERT)
    assert sorted(keys()) == sorted(values)
    undo(engine, REGISTRY, changing, "public")
    assert set(keys()) == set(values)
    undo(engine, REGISTRY, appended, "public")
    assert sorted(keys()) == sorted(values)
    assert keys() == []


def test_a_cursor_of_before_the_pruning_is_refused(engine: Engine, follower: Follower, load: Load) -> None:
    load({"tt1": "a", "tt2": "a", "tt3": "a"}, APPEND)
    follower.read()
    cursor = follower._cursor
    load({"tt1": "b"}, REPLACE)
    prune(engine, days=0)
    with pytest.raises(HistoryExpired):
        follower._read_page(2)
    follower.read()
    assert follower.contents == contents(engine) == Counter({("tt1", "b"): 1})
    assert follower._cursor != cursor


# -- looking back


def test_those_who_look_back_see_what_was_there(engine: Engine, follower: Follower, load: Load) -> None:
    seen = []
    for values, mode in (
        ({"tt1": "a", "tt2": "a"} | FILLER, APPEND),
        ({"tt1": "b", "tt3": "b"}, UPSERT),
        ({"tt4": "c"}, APPEND),
        ({"tt1": "d"} | FILLER, REPLACE),
        ({"tt1": "e"}, UPSERT),
    ):
        upload_id = load(values, mode)
        seen.append((str(upload_id), contents(engine)))
    for as_of, then in seen:
        assert follower.look_back(as_of) == then
    [[before]] = rows(engine, "SELECT min(at) - interval '1 s' FROM collection_versions")
    assert follower.look_back(before.isoformat()) == Counter()
    assert follower.look_back("9999-01-01T00:00:00") == contents(engine)


def test_what_was_there_is_not_known_once_something_of_before_was_undone(
    engine: Engine, follower: Follower, load: Load
) -> None:
    first, second, third = load({"tt1": "a"}, APPEND), load({"tt1": "b"}, UPSERT), load({"tt2": "c"}, APPEND)
    seen = contents(engine)
    undo(engine, REGISTRY, third, "public")
    assert follower.look_back(str(second)) == Counter({("tt1", "b"): 1})
    undo(engine, REGISTRY, second, "public")
    assert follower.look_back(str(first)) == Counter({("tt1", "a"): 1})
    with engine.begin() as connection:
        between = connection.scalar(
            text(
                "SELECT at FROM collection_versions JOIN uploads ON number = upload_number"
                " WHERE change = 'published' AND id = :id"
            ),
            {"id": third},
        )
    assert seen == Counter({("tt1", "b"): 1, ("tt2", "c"): 1})
    with pytest.raises(HistoryExpired):
        follower.look_back(between.isoformat())


def test_what_was_there_is_not_known_once_it_is_pruned(engine: Engine, follower: Follower, load: Load) -> None:
    first, last = load({"tt1": "a"}, APPEND), load({"tt1": "b"}, REPLACE)
    assert follower.look_back(str(first)) == Counter({("tt1", "a"): 1})
    prune(engine, days=0)
    with pytest.raises(HistoryExpired):
        follower.look_back(str(first))
    assert follower.look_back(str(last)) == Counter({("tt1", "b"): 1})
