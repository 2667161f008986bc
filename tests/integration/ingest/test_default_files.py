"""Default files: what is stored, what is refused, and what retention leaves."""

import io
import json
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.csv.unreadable import EmptyFile, HeaderMismatch, UnsupportedFile
from shared.database.declarations import declare
from shared.database.queries.tenants import all_tenants
from shared.database.tenancy import tenant_transaction
from shared.errors import InvalidRequest, NoDefaultFile, TooLarge
from shared.ingest.intake.default_files import (
    BLOCK_BYTES,
    ReadingOptions,
    StoredDefault,
    default_file_of,
    remove_default_file,
    set_default_file,
    stored_default,
)
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import Intake
from tests.integration.database.test_row_security import DECLARED
from tests.integration.ingest.test_loader import SMALL, never
from tests.rows import movies

NONE = ReadingOptions()
ALL = ReadingOptions(
    dataset="movies",
    member="a/b.csv",
    delimiter=";",
    quoting=False,
    encoding="windows-1252",
    header=("name", "x"),
    mapping={"name": "title", "x": ""},
    schema={"missingValues": ["", "NULL"]},
)


def put(
    engine: Engine, settings: Settings, content: bytes, name: str = "movies.csv", options: ReadingOptions = NONE
) -> None:
    """Make it the default file of the tenant `films`."""
    with engine.begin() as connection:
        size_bytes = set_default_file(connection, settings, "films", name, io.BytesIO(content), options)
    assert size_bytes == len(content)


def default_of(engine: Engine, tenant: str = "films") -> StoredDefault:
    """As a request finds it."""
    with engine.connect() as connection:
        return stored_default(connection.execute(default_file_of(tenant)).one_or_none())


def stored(settings: Settings) -> set[str]:
    """The names of all files in the storage."""
    return {path.name for path in settings.upload_dir.glob("*")}


def test_the_bytes_are_kept_as_they_were_with_what_was_said_of_them(engine: Engine, settings: Settings) -> None:
    content = b"\xef\xbb\xbf" + movies(*[{"overview": "x" * 5000}] * (BLOCK_BYTES // 5000 + 10))
    options = ReadingOptions(dataset="movies", mapping={"homepage": ""}, schema={"missingValues": ["", "NULL"]})
    put(engine, settings, content, options=options)
    found = default_of(engine)
    assert b"".join(found.blocks(open_storage(settings))) == content
    assert len(content) > BLOCK_BYTES
    assert (found.filename, found.options, found.size_bytes) == ("movies.csv", options, len(content))
    assert stored(settings) == {found.storage_key}
    with pytest.raises(NoDefaultFile):
        default_of(engine, "others")


def test_options_survive_and_a_request_counts_more() -> None:
    assert ReadingOptions.from_json(ALL.to_json()) == ALL
    assert NONE.to_json() == {}
    assert ALL.overridden_by(NONE) == ALL
    assert NONE.overridden_by(ALL) == ALL
    assert ReadingOptions.from_json(json.loads(json.dumps(ALL.to_json()))) == ALL
    assert ALL.overridden_by(ReadingOptions(quoting=True)).quoting is True
    assert ALL.overridden_by(ReadingOptions(header=())).header == ()
    assert ALL.overridden_by(ReadingOptions(quoting=True)).delimiter == ";"
    assert ReadingOptions(quoting=True).overridden_by(ReadingOptions(quoting=False)).quoting is False


def test_a_file_that_could_not_be_loaded_is_refused_and_nothing_is_left(engine: Engine, settings: Settings) -> None:
    put(engine, settings, SMALL)
    before, kept = default_of(engine), stored(settings)
    small = settings.model_copy(update={"max_upload_bytes": 100})
    wrong: list[tuple[type[Exception], bytes, str, ReadingOptions, Settings]] = [
        (HeaderMismatch, b"a,b\n1,2\n", "movies.csv", NONE, settings),
        (HeaderMismatch, SMALL, "movies.csv", ReadingOptions(dataset="title.basics"), settings),
        (EmptyFile, b"", "movies.csv", NONE, settings),
        (UnsupportedFile, SMALL, "movies.pdf", NONE, settings),
        (TooLarge, SMALL, "movies.csv", NONE, small),
        (InvalidRequest, SMALL, "movies.csv", ReadingOptions(dataset="songs"), settings),
        (InvalidRequest, SMALL, "mov\nies.csv", NONE, settings),
        (InvalidRequest, SMALL, f"{'x' * 1024}.csv", NONE, settings),
    ]
    for error, content, name, options, limits in wrong:
        with pytest.raises(error):
            put(engine, limits, content, name, options)
        assert (default_of(engine), stored(settings)) == (before, kept), (error, name)
    for tenant in ("", "Films", "-a", "a" * 64, "a\n"):
        with pytest.raises(InvalidRequest), engine.begin() as connection:
            set_default_file(connection, settings, tenant, "movies.csv", io.BytesIO(SMALL), NONE)


def test_it_may_be_of_a_dataset_of_the_tenant_or_of_none_yet(engine: Engine, settings: Settings) -> None:
    with tenant_transaction(engine, "films") as connection:
        declare(connection, "films", DECLARED)
    for dataset in ("cinemas", "auto"):
        put(engine, settings, b"name\nRex\n", "cinemas.csv", ReadingOptions(dataset=dataset))
        assert default_of(engine).options.dataset == dataset


def test_retention_keeps_the_default_file_and_removes_those_before_it(engine: Engine, settings: Settings) -> None:
    storage = open_storage(settings)
    put(engine, settings, SMALL)
    first = default_of(engine).storage_key
    put(engine, settings, movies({"title": "Another"}))
    second = default_of(engine).storage_key
    assert stored(settings) == {first, second}
    apply_retention(engine, storage, settings)
    assert stored(settings) == {first, second}  # a request may still read it
    make_old(settings.upload_dir)
    apply_retention(engine, storage, settings)
    assert stored(settings) == {second}
    with engine.begin() as connection:
        remove_default_file(connection, "films")
    apply_retention(engine, storage, settings)
    assert stored(settings) == set()
    with pytest.raises(NoDefaultFile), engine.begin() as connection:
        remove_default_file(connection, "films")


def make_old(directory: Path) -> None:
    """As after two hours."""
    for path in directory.glob("*"):
        os.utime(path, (time.time() - 7200,) * 2)


def test_an_operator_sees_every_tenant_with_uploads_or_a_default_file(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader
) -> None:
    for _ in range(2):
        loader.load(intake(SMALL, tenant="alpha"), never)
    loader.load(intake(b"tconst\taverageRating\tnumVotes\ntt0000001\t7.4\t9\n", "r.tsv", tenant="alpha"), never)
    put(engine, settings, SMALL, options=ReadingOptions(dataset="movies"))
    with engine.connect() as connection:
        found = [row._asdict() for row in connection.execute(all_tenants())]
    assert [(row["name"], row["uploads"], row["rows"], row["filename"]) for row in found] == [
        ("alpha", 3, 5, None),
        ("films", 0, 0, "movies.csv"),
    ]
    assert found[1]["parameters"] == {"dataset": "movies"}
