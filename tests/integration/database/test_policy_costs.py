"""The costs of row-level security: requests get the owner's plans, and no policy reads more rows than it must."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.engine import create_read_engine, create_request_engine
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.movies import movies_total, movies_with_key
from shared.database.queries.rejects import (
    RejectFilter,
    first_samples,
    reject_groups,
    rejected_records_behind,
    rejects_in_file_order,
    samples_at,
)
from shared.database.tenancy import tenant_reading, tenant_transaction
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.test_loader import LARGE, SMALL, never

MORE_UPLOADS = """
INSERT INTO uploads (number, first_id, table_name, tenant, filename, dataset, dialect, header, transport, trace_id,
                     storage_key, size_bytes, sha256, content_bytes, header_bytes, forced)
SELECT nextval('upload_numbers'), nextval('small_first_ids'), 'movies', 'alpha',
       'f.csv', 'movies', '{}', '{}', 'background', '', 'k', 1, '', 1, 1, true
FROM generate_series(1, 1000)
"""


@pytest.fixture(autouse=True)
def filled(intake: Intake, loader: Loader) -> None:
    """Two tenants with a small and a large upload each, both with rejects."""
    for tenant in ("alpha", "beta"):
        for content in (SMALL, LARGE):
            loader.load(intake(content, tenant=tenant), never)


@pytest.mark.parametrize("sort_by", ["release_date", "vote_average"])
def test_policies_cost_no_index(settings: Settings, engine: Engine, sort_by: Any) -> None:
    listing = Listing("alpha", None, None, sort_by)
    requests = create_request_engine(settings)
    try:
        for statement in (movies_with_key(listing, (19_950_101, 1), 21, 0), movies_total(listing)):
            with engine.begin() as connection:
                expected = access_paths(connection, statement)
            with tenant_transaction(requests, "alpha") as connection:
                assert access_paths(connection, statement) == expected
    finally:
        requests.dispose()


def test_rejects_of_one_upload_cost_no_look_at_the_others(settings: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        number = connection.execute(text("SELECT min(number) FROM uploads WHERE tenant = 'alpha'")).scalar_one()
        connection.execute(text(MORE_UPLOADS))
        connection.execute(text("ANALYZE uploads, rejects"))
    wanted = RejectFilter(number)
    statements = [
        rejects_in_file_order(wanted).limit(20),
        rejected_records_behind(wanted, 0).limit(1000),
        reject_groups(wanted),
        first_samples(wanted),
        samples_at(wanted, [1, 2]),
    ]

    async def uploads_read() -> list[int]:
        reader = create_read_engine(settings)
        try:
            async with tenant_reading(reader, "alpha", upload_number=number) as connection:
                return [rows_read(await explained(connection, each), "uploads") for each in statements]
        finally:
            await reader.dispose()

    assert asyncio.run(uploads_read()) == [1] * len(statements)


async def explained(connection: AsyncConnection, statement: Any) -> Any:
    """The plan as it was executed; asyncpg parses the JSON."""
    sql = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    return await connection.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"))


def rows_read(plan: Any, table: str) -> int:
    """Rows of the table that the executor looked at."""
    if isinstance(plan, list):
        return sum(rows_read(part, table) for part in plan)
    inner = rows_read([*plan.get("Plans", ()), *([plan["Plan"]] if "Plan" in plan else [])], table)
    if plan.get("Relation Name") != table:
        return inner
    return inner + int(plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)))


def access_paths(connection: Connection, statement: Any) -> list[tuple[Any, ...]]:
    """Each table of the statement's plan: how it is read, and by which conditions of which index."""
    for cheap in ("seqscan", "sort", "bitmapscan"):  # the tables are small
        connection.execute(text(f"SET LOCAL enable_{cheap} = off"))
    sql = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    plan = json.dumps(connection.scalar(text(f"EXPLAIN (FORMAT JSON) {sql}")))
    return sorted(_paths(json.loads(plan)[0]["Plan"]))


def _paths(plan: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Node Type"], plan.get("Index Name", ""), plan.get("Index Cond", "")
    for part in plan.get("Plans", ()):
        yield from _paths(part)
