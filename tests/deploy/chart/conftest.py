"""What the tests of the chart share."""

import pytest

from tests.deploy.chart.rendered import VALUES, Document, documents_of


@pytest.fixture(params=VALUES)
def documents(request: pytest.FixtureRequest) -> list[Document]:
    """The objects of a set of values."""
    return documents_of(VALUES[request.param])
