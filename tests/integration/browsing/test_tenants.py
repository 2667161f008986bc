"""The first wall: each statement names the tenant, so it holds on the owner's connection, too."""

from typing import Any

import pytest
from sqlalchemy import Engine, Select

from shared.database.queries.browsing.breakdowns import spelling, value_counts
from shared.database.queries.browsing.figures import kept_figures, loads_by_day, uploads_by_state
from shared.database.queries.browsing.genre_report import genre_decades, top_of_large_cells, top_of_small_cells
from shared.ingest.loading.loader import Loader
from tests.conftest import Intake
from tests.integration.ingest.test_loader import never
from tests.rows import file_of

OWNER, OTHER = "alpha", "beta"


def statements(tenant: str) -> dict[str, Select[Any]]:
    top = (tenant, "Drama", [1990], None, 20)
    return {
        "value_counts": value_counts(tenant, "genre", None, "name", 10),
        "spelling": spelling(tenant, "genre", "drama"),
        "kept_figures": kept_figures(tenant, None, 10),
        "uploads_by_state": uploads_by_state(tenant, None),
        "loads_by_day": loads_by_day(tenant, None),
        "genre_decades": genre_decades(tenant, None, None, None, 10),
        "top_of_small_cells": top_of_small_cells(*top),
        "top_of_large_cells": top_of_large_cells(*top),
    }


@pytest.mark.parametrize("name", statements(OWNER))
def test_a_statement_finds_nothing_of_another_tenant(engine: Engine, intake: Intake, loader: Loader, name: str) -> None:
    film = {"genres": "Drama", "release_date": "1995-01-01", "vote_count": "5"}
    loader.load(intake(file_of("tmdb_movies", film), "tmdb.csv", tenant=OWNER), never)
    with engine.connect() as connection:
        assert connection.execute(statements(OWNER)[name]).all()
        assert not connection.execute(statements(OTHER)[name]).all()
