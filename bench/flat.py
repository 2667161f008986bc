"""The same rows in one unpartitioned table with the same indexes, and the product's own query on both."""

import re
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from sqlalchemy.dialects import registry

from bench.database import Database
from shared.database.engine import API_ROLE, create_read_engine
from shared.database.models import Movie
from shared.database.partitions import create_table
from shared.database.queries.movies import Listing, movies_with_key
from shared.settings import Settings

_TABLE: Final = "bench_flat"
_DIALECT: Final = registry.load("postgresql.asyncpg")()

Times = tuple[list[float], list[float]]


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
    columns = ", ".join(Movie.__table__.columns.keys())
    database.query(create_table(_TABLE))
    database.query(f"INSERT INTO {_TABLE} ({columns}) SELECT {columns} FROM movies")
    database.index(_TABLE)
    database.query(f"ANALYZE {_TABLE}")
    database.query(f"GRANT SELECT ON {_TABLE} TO {API_ROLE}")


def drop(database: Database) -> None:
    """Remove it."""
    database.query(f"DROP TABLE {_TABLE}")


async def compare(url: str, pages: Sequence[Page], limit: int, repeats: int) -> list[Times]:
    """Milliseconds of each page's query on the partitioned and on the flat table, in turn; rows must be the same."""
    engine = create_read_engine(Settings(database_url=url))
    try:
        # the driver's own connection, with the role and the session settings of the API's
        async with engine.connect() as wrapper:
            raw = await wrapper.get_raw_connection()
            connection: Any = raw.driver_connection
            await connection.execute(f"SET app.tenant = '{pages[0].listing.tenant}'")
            return await _compare(connection, pages, limit, repeats)
    finally:
        await engine.dispose()


async def _compare(connection: Any, pages: Sequence[Page], limit: int, repeats: int) -> list[Times]:
    found: list[Times] = [([], []) for _ in pages]
    for _ in range(repeats):
        for page, (ours, theirs) in zip(pages, found, strict=True):
            sql, values = _compiled(page, limit)
            milliseconds, rows = await _timed(connection, sql, values)
            flat_milliseconds, flat_rows = await _timed(connection, re.sub(r"\bmovies\b", _TABLE, sql), values)
            assert rows == flat_rows
            ours.append(milliseconds)
            theirs.append(flat_milliseconds)
    return found


def _compiled(page: Page, limit: int) -> tuple[str, list[Any]]:
    statement = movies_with_key(page.listing, page.after, limit, 0)
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]


async def _timed(connection: Any, sql: str, values: list[Any]) -> tuple[float, list[Any]]:
    begun = time.perf_counter()
    rows = await connection.fetch(sql, *values)
    return (time.perf_counter() - begun) * 1000, [tuple(row) for row in rows]
