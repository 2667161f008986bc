"""What several tests of this folder begin with."""

import uuid

import pytest

from shared.ingest.load import Loader
from tests.conftest import Accept
from tests.shared.test_load import LARGE, SMALL, never


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def parent(request: pytest.FixtureRequest, loader: Loader, accept: Accept) -> uuid.UUID:
    """A completed upload with rejects."""
    upload_id = accept(request.param)
    loader.load(upload_id, never)
    return upload_id
