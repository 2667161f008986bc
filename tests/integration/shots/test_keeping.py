"""Shots are kept once, within their limits, and never without their file."""

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.database.engine import create_request_engine
from shared.database.queries.browsing.shots import Record
from shared.errors import NotFound, TooManyShots
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from shared.shots.keeping import Limits, keep, remove
from shared.shots.picture import Picture
from shared.storage.directory import DirectoryStorage
from tests.conftest import Intake
from tests.integration.ingest.test_loader import never, rows
from tests.rows import titles

LIMITS = Limits(shots_per_movie=3, tenant_bytes=1000)
TENANTS = ("alpha", "beta")
Keep = Callable[..., tuple[Any, bool]]


def picture(content: bytes = b"a picture") -> Picture:
    return Picture(content, "image/png", 4, 3)


@pytest.fixture
def storage(settings: Settings) -> DirectoryStorage:
    return DirectoryStorage(settings.upload_dir)


@pytest.fixture
def requests(settings: Settings) -> Iterator[Engine]:
    """The engine that requests write with."""
    engine = create_request_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def collections(engine: Engine, intake: Intake, loader: Loader) -> dict[str, int]:
    """Tenant -> its collection of titles. No upload's file is left, so all files are those of shots."""
    for tenant in TENANTS:
        loader.load(intake(titles({}), "title.basics.tsv", tenant=tenant), never)
    for path in Path(loader.storage.directory).iterdir():  # type: ignore[attr-defined]
        path.unlink()
    return dict(rows(engine, "SELECT tenant, number FROM collections"))


@pytest.fixture
def keep_it(requests: Engine, storage: DirectoryStorage, collections: dict[str, int]) -> Keep:
    def keep_one(
        content: bytes = b"a picture", source_id: str | None = "tt1", tenant: str = "alpha", **options: Any
    ) -> tuple[Any, bool]:
        record = Record(tenant, collections[tenant], source_id, None if source_id else 7)
        return keep(requests, storage, record, picture(content), options.get("limits", LIMITS))

    return keep_one


def files(storage: DirectoryStorage) -> set[str]:
    return {stored.key for stored in storage.list_objects()}


def total(engine: Engine) -> dict[str, int]:
    return dict(rows(engine, "SELECT tenant, size_bytes FROM shot_totals"))


def counted(engine: Engine) -> dict[str, int]:
    return dict(rows(engine, "SELECT tenant, sum(size_bytes)::int FROM shots GROUP BY 1"))


def test_the_same_bytes_are_one_file_of_a_tenant(engine: Engine, storage: DirectoryStorage, keep_it: Keep) -> None:
    first, is_new = keep_it()
    assert is_new
    assert keep_it() == (first, False)
    for source_id in ("tt2", None):
        other, is_new = keep_it(source_id=source_id)
        assert is_new
        assert other["id"] != first["id"]
        assert other["storage_key"] == first["storage_key"]
    assert files(storage) == {first["storage_key"]}
    foreign, _ = keep_it(tenant="beta")
    assert foreign["storage_key"] != first["storage_key"]
    assert total(engine) == counted(engine) == {"alpha": 27, "beta": 9}


def test_a_file_goes_with_its_last_shot(
    engine: Engine, requests: Engine, storage: DirectoryStorage, keep_it: Keep
) -> None:
    first, second = keep_it()[0], keep_it(source_id="tt2")[0]
    foreign = keep_it(tenant="beta")[0]
    with pytest.raises(NotFound):
        remove(requests, storage, "beta", first["id"])
    remove(requests, storage, "alpha", first["id"])
    assert files(storage) == {second["storage_key"], foreign["storage_key"]}
    remove(requests, storage, "alpha", second["id"])
    assert files(storage) == {foreign["storage_key"]}
    with pytest.raises(NotFound):
        remove(requests, storage, "alpha", second["id"])
    assert total(engine) == {"alpha": 0, "beta": 9}


def test_a_movie_has_so_many_shots_and_a_tenant_so_many_bytes(
    engine: Engine, storage: DirectoryStorage, keep_it: Keep
) -> None:
    kept = {keep_it(bytes([number]) * 100)[0]["storage_key"] for number in range(3)}
    with pytest.raises(TooManyShots) as caught:
        keep_it(b"one more")
    assert caught.value.fields == {"limit": 3, "what": "shots"}
    assert keep_it(bytes([0]) * 100)[1] is False  # it is there already
    with pytest.raises(TooManyShots) as caught:
        keep_it(b"x" * 701, source_id="tt2")
    assert caught.value.fields == {"limit": 1000, "what": "bytes"}
    assert files(storage) == kept
    keep_it(b"x" * 700, source_id="tt2")
    keep_it(b"x" * 701, tenant="beta")
    assert total(engine) == counted(engine) == {"alpha": 1000, "beta": 701}


def test_limits_hold_for_many_at_a_time(engine: Engine, keep_it: Keep) -> None:
    def try_one(number: int) -> bool:
        try:
            return keep_it(bytes([number]) * 10)[1]
        except TooManyShots:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_one, range(24))) == LIMITS.shots_per_movie
    assert total(engine) == counted(engine) == {"alpha": 30}


def test_no_row_is_without_its_file_while_others_remove_it(
    engine: Engine, requests: Engine, storage: DirectoryStorage, keep_it: Keep
) -> None:
    """Shots of one content come and go, so their file is shared and removed all the time."""

    def come_and_go(source_id: str) -> None:
        for _ in range(25):
            shot, _is_new = keep_it(source_id=source_id, limits=Limits(10, 10**6))
            assert storage.read(shot["storage_key"], 0, shot["size_bytes"]) == b"a picture"
            remove(requests, storage, "alpha", shot["id"])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(come_and_go, (f"tt{number}" for number in range(6))))
    assert rows(engine, "SELECT count(*) FROM shots") == [(0,)]
    assert files(storage) == set()
    assert total(engine) == {"alpha": 0}


def test_the_sweep_removes_orphans_and_leaves_shots(
    engine: Engine, settings: Settings, storage: DirectoryStorage, keep_it: Keep
) -> None:
    shot, _ = keep_it()
    writer = storage.create(orphan := storage.new_key())
    writer.write(b"the API died before the row")
    writer.commit()
    apply_retention(engine, storage, settings)
    assert files(storage) == {shot["storage_key"], orphan}
    for key in files(storage):
        os.utime(storage.directory / key, (0, 0))
    apply_retention(engine, storage, settings)
    assert files(storage) == {shot["storage_key"]}


def test_a_refused_row_leaves_no_file(requests: Engine, storage: DirectoryStorage, collections: dict[str, int]) -> None:
    foreign = Record("alpha", collections["beta"], "tt1", None)
    with pytest.raises(DBAPIError, match="fk_shots_collection"):
        keep(requests, storage, foreign, picture(), LIMITS)
    assert files(storage) == set()


def test_shots_go_with_their_collection(engine: Engine, keep_it: Keep, collections: dict[str, int]) -> None:
    for number in range(3):
        keep_it(bytes([number]))
    keep_it(tenant="beta")
    with engine.begin() as connection:
        for table in ("collection_totals", "collection_versions"):
            connection.execute(
                text(f"DELETE FROM {table} WHERE collection = :number"), {"number": collections["alpha"]}
            )
        connection.execute(text("UPDATE uploads SET collection = NULL WHERE tenant = 'alpha'"))
        connection.execute(text("DELETE FROM collections WHERE tenant = 'alpha'"))
    assert counted(engine) == {"beta": 9}
    assert total(engine) == {"alpha": 0, "beta": 9}


def test_requests_cannot_write_sums_or_change_shots(requests: Engine, keep_it: Keep) -> None:
    keep_it()
    for sql in (
        "UPDATE shot_totals SET size_bytes = 0",
        "DELETE FROM shot_totals",
        f"INSERT INTO shot_totals VALUES ('gamma', {uuid.uuid4().int % 10})",
        "UPDATE shots SET tenant = 'beta'",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), requests.begin() as connection:
            connection.execute(text(sql))
