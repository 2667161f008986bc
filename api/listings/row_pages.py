"""Pages of a collection's rows: those with a value of the first sort key, then those without (see `queries.rows`)."""

import base64
import binascii
import hashlib
import json
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.http_errors import InvalidCursor, NeedsIndex
from shared.catalog.row_filters import InvalidFilter, parse_value
from shared.catalog.table import Field, FieldType
from shared.database.queries.rows import RowListing, rows_count, rows_page, sources_of
from shared.database.tenancy import tenant_reading

QUERY_CANCELED: Final = "57014"
# Each try fails only if an upload of the collection ends while the page is read.
_TRIES: Final = 5

_ID: Final = Field("id", FieldType.BIGINT, "")

After = tuple[Any, ...]


async def read_rows(
    engine: AsyncEngine, listing: RowListing, after: After | None, limit: int
) -> tuple[list[RowMapping], int]:
    """At most `limit` rows and how many there are in all, from the same moment (see `movie_pages.read_page`).

    Raises `NeedsIndex` if the database takes too long.
    """
    try:
        for _ in range(_TRIES):
            async with tenant_reading(engine, listing.tenant) as connection:
                found_before = (await connection.execute(rows_count(listing))).one()
                rows = await _rows(connection, listing, after, limit)
                if listing.later is not None:  # what was visible then does not change
                    return rows, found_before.total
                found = (await connection.execute(rows_count(listing))).one()
            if found == found_before:
                break
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
            raise
        raise _needs_index(listing) from error
    return rows, found.total


async def sources(engine: AsyncEngine, tenant: str, ids: list[int]) -> dict[int, RowMapping]:
    """For each id the row of `sources_of`."""
    async with tenant_reading(engine, tenant) as connection:
        found = (await connection.execute(sources_of(ids, tenant))).mappings()
        return {row["id"]: row for row in found}


async def _rows(connection: AsyncConnection, listing: RowListing, after: After | None, limit: int) -> list[RowMapping]:
    rows: list[RowMapping] = []
    is_behind_keys = after is not None and bool(listing.sort) and after[0] is None
    if not is_behind_keys:
        rows += (await connection.execute(rows_page(listing, after, limit))).mappings().all()
    if listing.sort and len(rows) < limit:
        start = after if is_behind_keys else None
        statement = rows_page(listing, start, limit - len(rows), has_key=False)
        rows += (await connection.execute(statement)).mappings().all()
    return rows


def _needs_index(listing: RowListing) -> NeedsIndex:
    fields = [each.field.public_name for each in listing.filters] + [key.field.public_name for key in listing.sort]
    names = list(dict.fromkeys(fields))
    return NeedsIndex(
        f"the rows are too many for this filter and order without an index on ({', '.join(names)})",
        {"index": names, "indexed": listing.table.public_indexes},
    )


def encode_cursor(listing: RowListing, dataset: str, last: RowMapping) -> str:
    """The end of a page as opaque text, safe in a URL."""
    keys = [last[f"key_{position}"] for position in range(len(listing.sort))]
    content = {"l": _name_of(listing, dataset), "k": [_as_text(key) for key in keys], "i": str(last["id"])}
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def decode_cursor(text: str, listing: RowListing, dataset: str) -> After:
    """The values of the sort keys and the id; raises `InvalidCursor`."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        name, keys, last_id = content["l"], content["k"], content["i"]
        if not all(value is None or isinstance(value, str) for value in keys):
            raise InvalidCursor("The cursor is invalid; send next_cursor exactly as you received it.")
        if name != _name_of(listing, dataset):
            raise InvalidCursor("The cursor belongs to another dataset, filter or order; start without a cursor.")
        values = [
            None if value is None else parse_value(key.field, value)
            for key, value in zip(listing.sort, keys, strict=True)
        ]
        return (*values, parse_value(_ID, last_id))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, InvalidFilter) as error:
        raise InvalidCursor("The cursor is invalid; send next_cursor exactly as you received it.") from error


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _name_of(listing: RowListing, dataset: str) -> str:
    said = [listing.tenant, dataset, listing.collection]
    said += [[each.field.name, each.operator, str(each.value)] for each in listing.filters]
    said += [[key.field.name, key.is_descending] for key in listing.sort]
    said += [] if listing.later is None else [listing.later.moment]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
