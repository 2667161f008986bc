"""The same rows in one unpartitioned table with the same indexes, and the product's own query on both.

Requests have a role that policies bind; the owner's times beside it say what those cost.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy.dialects import registry
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.database import Database
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.database.engine import API_ROLE, create_read_engine
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.movies import movies_with_key
from shared.database.row_tables import sql_table
from shared.settings import Settings

_TABLE: Final = "bench_flat"
_DIALECT: Final = registry.load("postgresql.asyncpg")()

_WHO: Final = "SELECT current_user, row_security_active('movies')"


@dataclass(frozen=True)
class Times:
    """Milliseconds of one page's query: as a request asks it, as the owner of the tables does, on the flat table."""

    requests: list[float] = field(default_factory=list)
    owners: list[float] = field(default_factory=list)
    flat: list[float] = field(default_factory=list)


class WrongRole(Exception):
    """The query ran as somebody whom policies do not bind, or the other way round: it says nothing about requests."""


class Page(Protocol):
    """Which rows to ask for."""

    @property
    def listing(self) -> Listing:
        """Filter and order."""

    @property
    def after(self) -> tuple[float, int] | None:
        """Sort key and id before the page."""


def create(database: Database) -> None:
    """Copy all movies, then index them."""
    database.query(f"DROP TABLE IF EXISTS {_TABLE}")
    columns = ", ".join(sql_table(MOVIES).columns.keys())
    database.create_like_movies(_TABLE)
    database.query(f"INSERT INTO {_TABLE} ({columns}) SELECT {columns} FROM movies")
    database.index(_TABLE)
    database.query(f"ANALYZE {_TABLE}")
    database.query(f"GRANT SELECT ON {_TABLE} TO {API_ROLE}")


def drop(database: Database) -> None:
    """Remove it."""
    database.query(f"DROP TABLE {_TABLE}")


async def compare(url: str, pages: Sequence[Page], limit: int, repeats: int) -> list[Times]:
    """Each page's query in the three ways, alternating; rows must be the same."""
    engine = create_read_engine(Settings(database_url=url))
    try:
        # the driver's own connections, with the session settings of the API's; one keeps its role
        async with engine.connect() as of_requests, engine.connect() as of_owner:
            requests = await _driver(of_requests)
            await requests.execute(f"SET app.tenant = '{pages[0].listing.tenant}'")
            await _require_role(requests, is_bound=True)
            owner = await _driver(of_owner)
            await owner.execute("SET ROLE NONE")
            await _require_role(owner, is_bound=False)
            return await _compare(requests, owner, pages, limit, repeats)
    finally:
        await engine.dispose()


async def _driver(wrapper: AsyncConnection) -> Any:
    return (await wrapper.get_raw_connection()).driver_connection


async def _require_role(connection: Any, *, is_bound: bool) -> None:
    role, has_policies = await connection.fetchrow(_WHO)
    if (role == API_ROLE, has_policies) != (is_bound, is_bound):
        raise WrongRole(f"{role}, {'bound' if has_policies else 'not bound'} by policies")


async def _compare(requests: Any, owner: Any, pages: Sequence[Page], limit: int, repeats: int) -> list[Times]:
    found = [Times() for _ in pages]
    for _ in range(repeats):
        for page, times in zip(pages, found, strict=True):
            sql, values = _compiled(page, limit)
            flat_sql = re.sub(r"\bmovies\b", _TABLE, sql)
            asked = [
                (times.requests, await _timed(requests, sql, values)),
                (times.owners, await _timed(owner, sql, values)),
                (times.flat, await _timed(requests, flat_sql, values)),
            ]
            for kept, (milliseconds, _) in asked:
                kept.append(milliseconds)
            assert all(rows == asked[0][1][1] for _, (_, rows) in asked)
    return found


def _compiled(page: Page, limit: int) -> tuple[str, list[Any]]:
    statement = movies_with_key(page.listing, page.after, limit, 0)
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]


async def _timed(connection: Any, sql: str, values: list[Any]) -> tuple[float, list[Any]]:
    begun = time.perf_counter()
    rows = await connection.fetch(sql, *values)
    return (time.perf_counter() - begun) * 1000, [tuple(row) for row in rows]
