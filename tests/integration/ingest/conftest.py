"""Fixtures of several modules in this directory."""

import uuid
from collections.abc import Mapping

import pytest

from shared.catalog.write_mode import WriteMode
from shared.ingest.loading.loader import Loader
from tests.conftest import Intake
from tests.integration.ingest.test_loader import LARGE, SMALL, never
from tests.integration.ingest.titles import Load, titles


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
