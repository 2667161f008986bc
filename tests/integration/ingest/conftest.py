"""Fixtures of several modules in this directory."""

import uuid

import pytest

from shared.ingest.loading.loader import Loader
from tests.conftest import Intake
from tests.integration.ingest.test_loader import LARGE, SMALL, never


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def parent(request: pytest.FixtureRequest, loader: Loader, intake: Intake) -> uuid.UUID:
    """A completed upload with rejects."""
    upload_id = intake(request.param)
    loader.load(upload_id, never)
    return upload_id
