"""A copy of a dataset that follows its feed, and looks at what was visible earlier: with the API's own functions."""

import asyncio
from collections import Counter
from typing import Any

from sqlalchemy import select

from api.listings.as_of import later_than, require_known
from api.listings.feed import read_feed
from shared.catalog.tables.movies import TABLE
from shared.database.engine import create_read_engine
from shared.database.queries.rows import RowListing, collection_number, conditions
from shared.database.tenancy import tenant_reading
from shared.errors import HistoryExpired
from shared.settings import Settings

DATASET = "title.basics"


class Follower:
    """Keeps, by key, the values of the rows."""

    def __init__(self, settings: Settings) -> None:
        self._runner = asyncio.Runner()
        self._engine = self._runner.run(self._open(settings))
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything."""
        self._rows: dict[str, list[str]] = {}
        self._cursor: str | None = None

    def close(self) -> None:
        """Close connections."""
        self._runner.run(self._engine.dispose())
        self._runner.close()

    def read(self, pages: int | None = None, page_size: int = 2) -> None:
        """Read so many pages, or all that there are; begin anew if the cursor is too old."""
        is_more = True
        while is_more and pages != 0:
            pages = None if pages is None else pages - 1
            try:
                is_more = self._read_page(page_size)
            except HistoryExpired:
                self.begin_anew()

    @property
    def contents(self) -> Counter[tuple[str, str]]:
        """Key and value of each row of the copy."""
        return Counter((key, value) for key, values in self._rows.items() for value in values)

    def look_back(self, as_of: str) -> Counter[tuple[str, str]]:
        """Key and value of each row that was visible then; raises `HistoryExpired`."""
        return self._runner.run(self._look_back(as_of))

    def _read_page(self, page_size: int) -> bool:
        page = self._runner.run(read_feed(self._engine, TABLE, "public", DATASET, self._cursor, page_size))
        for item in page["items"]:
            self._rows[item["key"]["source_id"]] = [row["title"] for row in item["rows"]]
        self._cursor = page["cursor"]
        return bool(page["has_more"])

    async def _look_back(self, as_of: str) -> Counter[tuple[str, str]]:
        later = await later_than(self._engine, "public", TABLE.name, as_of)
        async with tenant_reading(self._engine, "public") as connection:
            number = await connection.scalar(collection_number("public", TABLE.name, DATASET))
            assert number is not None
            listing = RowListing(TABLE, "public", number, later=later)
            wanted = select(listing.columns.source_id, listing.columns.title).where(*conditions(listing))
            found = Counter(tuple(row) for row in await connection.execute(wanted))
        await require_known(self._engine, "public", TABLE.name, as_of, later)
        return found

    async def _open(self, settings: Settings) -> Any:
        return create_read_engine(settings)
