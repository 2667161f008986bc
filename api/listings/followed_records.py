"""Records by their identities, each with its rows as they are now."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from api.listings.upload_changes import row_document
from shared.catalog.table import FieldType, Table
from shared.database.queries.feed import rows_with_ids, rows_with_keys

# The values of a key, or the id of a row without one (see `ingest.versions.identities`).
Identity = list[Any] | int


def identity_of_row(row: Row[Any]) -> Identity:
    """The identity of a row of its id and its key."""
    key: list[Any] = list(row[1:])
    return key if key and None not in key else int(row[0])


async def records_of(
    connection: AsyncConnection, table: Table, tenant: str, collection: int, identities: Sequence[Identity]
) -> list[dict[str, Any]]:
    """Each record once, with its rows, as JSON has them."""
    of_it = table, tenant, collection
    wholes = [_typed(table, each) for each in identities if isinstance(each, list)]
    keys = {tuple(map(_text, each)): each for each in wholes}
    ids = list(dict.fromkeys(each for each in identities if not isinstance(each, list)))
    items: list[dict[str, Any]] = [
        {"key": dict(zip(table.public_key, each, strict=True)), "id": None, "rows": []} for each in keys.values()
    ]
    for row in (await connection.execute(rows_with_keys(*of_it, list(keys)))).mappings() if keys else ():
        items[row["ordinal"] - 1]["rows"].append(row_document(table, row))
    rows = (await connection.execute(rows_with_ids(*of_it, ids))).mappings() if ids else ()
    found = {row["id"]: row_document(table, row) for row in rows}
    items += [{"key": None, "id": each, "rows": [found[each]] if each in found else []} for each in ids]
    return items


def _typed(table: Table, key: list[Any]) -> list[Any]:
    """A key as its row has it, also if it comes from JSON: followers must see the same key each time."""
    types = {field.name: field.type for field in table.fields}
    return [_value(types[name], value) for name, value in zip(table.key, key, strict=True)]


def _value(type_: FieldType, value: Any) -> Any:
    match type_, value:
        case FieldType.TIMESTAMP, str():
            return datetime.fromisoformat(value).astimezone(UTC)
        case FieldType.DATE, str():
            return date.fromisoformat(value)
        case FieldType.DOUBLE, int():
            return float(value)
    return value


def _text(value: Any) -> str:
    """A value of a key as PostgreSQL reads it."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return value if isinstance(value, str) else value.isoformat()
