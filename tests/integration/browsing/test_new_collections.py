"""What is read of a collection that has no statistics yet: a guess of the planner must not cost a look at every row."""

from typing import Any

import pytest
from sqlalchemy import CompoundSelect, Engine, Select, text
from sqlalchemy.dialects import postgresql

from shared.catalog.write_mode import WriteMode
from shared.database.engine import create_request_engine
from shared.database.queries.browsing.bounded_scans import with_key
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.search.titles import beginning, popular_by_ratings, with_alternative_words
from shared.database.tenancy import tenant_transaction
from shared.settings import Settings
from tests.integration.browsing.conftest import Load

ROWS = 3_000
OTHER_JOINS = ("Hash Join", "Merge Join", "Materialize", "Join Filter")


@pytest.fixture
def new(engine: Engine, load: Load) -> None:
    """Titles and their ratings, as a load leaves them."""
    ids = [f"tt{number:07}" for number in range(ROWS)]
    load("title.basics", *({"tconst": each} for each in ids), mode=WriteMode.APPEND)
    load("title.ratings", *({"tconst": each, "numVotes": str(votes)} for votes, each in enumerate(ids)))
    load("title.akas", *({"titleId": each, "title": "Metropole"} for each in ids))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM pg_statistic WHERE starelid IN (SELECT inhrelid FROM pg_inherits)"))


def plan_of(settings: Settings, statement: Select[Any] | CompoundSelect[Any]) -> str:
    """As requests have it."""
    sql = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    requests = create_request_engine(settings)
    try:
        with tenant_transaction(requests, "public") as connection:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            return "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}").scalars())
    finally:
        requests.dispose()


@pytest.mark.usefixtures("new")
def test_a_search_joins_ratings_by_the_key(settings: Settings) -> None:
    for statement in (
        popular_by_ratings(2_000),
        beginning().params(text="metropole"),
        with_alternative_words(()).params(query="metropole"),
    ):
        plan = plan_of(settings, statement.params(tenant="public"))
        assert not [join for join in OTHER_JOINS if join in plan], plan


@pytest.mark.usefixtures("new")
def test_a_listing_joins_ratings_by_the_key(settings: Settings) -> None:
    plan = plan_of(settings, with_key(Listing("public", sort_by="popularity", is_rated=True), None, 21, 0, 5_000))
    assert not [join for join in OTHER_JOINS if join in plan], plan
