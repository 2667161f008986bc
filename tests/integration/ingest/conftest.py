"""Fixtures of several modules in this directory."""

import uuid
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Engine

from shared.catalog.write_mode import WriteMode
from shared.ingest.loading.loader import Loader
from shared.ingest.manual.edit import Edit, Edited
from shared.ingest.manual.editing import Editor
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.follower import Follower
from tests.integration.ingest.test_loader import LARGE, SMALL, never, rows
from tests.integration.ingest.titles import Load, Write, record, titles


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def parent(request: pytest.FixtureRequest, loader: Loader, intake: Intake) -> uuid.UUID:
    """A completed upload with rejects."""
    upload_id = intake(request.param)
    loader.load(upload_id, never)
    return upload_id


@pytest.fixture
def load(loader: Loader, intake: Intake) -> Load:
    def load(values: Mapping[str, str], mode: WriteMode | None = None, *, plan: bool = False) -> uuid.UUID:
        upload_id = intake(titles(values), "title.basics.tsv", mode=mode, plan=plan)
        loader.load(upload_id, never)
        return upload_id

    return load


@pytest.fixture
def editor(engine: Engine, settings: Settings) -> Editor:
    """Carries edits out in this process."""
    return Editor(engine, REGISTRY, open_storage(settings))


@pytest.fixture
def write(engine: Engine, editor: Editor) -> Write:
    def write(key: str, value: str | None) -> Edited:
        [[target]] = rows(engine, "SELECT max(id) FROM movies WHERE source_id = :key", key=key)
        values = None if value is None else record(key, value)
        return editor.apply(Edit("public", "test-trace", "title.basics", values, target))

    return write


@pytest.fixture
def follower(settings: Settings) -> Iterator[Follower]:
    """A copy of the public tenant's titles."""
    follower = Follower(settings)
    yield follower
    follower.close()
