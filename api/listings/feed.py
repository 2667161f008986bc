"""The feed of a dataset: which records may have changed since a cursor, and their rows as they are now.

It says what a record is now and not what happened to it. So it may name a record too often, but never too rarely: every
version of the collection names the records that it may have changed, also those whose rows are gone since.

    <collection>/all/<version>              the rows that there were, behind an id; then the versions after this one
    <collection>/log/<version>              all versions up to this one are read
    <collection>/log/<version>/<source>     this one is read up to a position of one of its sources
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.http_errors import InvalidCursor
from api.listings.followed_records import Identity, identity_of_row, records_of
from api.listings.opaque_cursors import UNREADABLE, decoded, encoded
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.models import Change
from shared.database.queries.feed import (
    WITHIN,
    followed_collection,
    keys_of_upload,
    keys_visible,
    listed_identities,
    replaced_uploads,
    touched_identities,
    touched_uploads,
    versions_from,
)
from shared.database.state_machine import UploadState
from shared.database.tenancy import tenant_reading
from shared.errors import HistoryExpired
from shared.ingest.versions.row_changes import Counts, is_listed

# How many versions one answer may go through: most change something, and then it is full long before.
_MOST_VERSIONS: Final = 200
_LISTED, _TOUCHED, _ROWS = range(3)
_NUMBER: Final = r"\d{1,18}"
_CURSOR: Final = re.compile(
    rf"(?P<collection>{_NUMBER})/(?P<what>all|log)/(?P<version>{_NUMBER})(/(?P<kind>[012])/(?P<upload>{_NUMBER}))?"
)


@dataclass(frozen=True, order=True)
class _Source:
    """One of the lists of records that a version may have changed: of which kind, and of which upload."""

    kind: int
    number: int
    first_id: int = 0


_START: Final = _Source(-1, 0)


@dataclass(frozen=True)
class _Reached:
    """How far a reader has come: with the versions before `version`, and in that one with a source."""

    version: int
    source: _Source = _START
    position: int = 0


@dataclass(frozen=True)
class _Followed:
    connection: AsyncConnection
    table: Table
    tenant: str
    collection: int


async def read_feed(
    engine: AsyncEngine, table: Table, tenant: str, dataset: str, since: str | None, limit: int
) -> dict[str, Any]:
    """At most `limit` records that may have changed since a cursor, as JSON has them.

    Raises `InvalidCursor`, and `HistoryExpired` if the cursor is too old.
    """
    name = f"feed {tenant} {dataset}"
    async with tenant_reading(engine, tenant) as connection:
        found = (await connection.execute(followed_collection(tenant, table.name, dataset))).one_or_none()
        number, version, pruned = (0, 0, 0) if found is None else found
        collection, is_all, reached = _start(number, version) if since is None else _parse(*decoded(since, name))
        if collection not in (0, number) or (collection and reached.version <= pruned and since is not None):
            raise HistoryExpired("The cursor is from too long ago, or from a dataset that was deleted; begin anew.")
        followed = _Followed(connection, table, tenant, number)
        identities: list[Identity] = []
        has_more = False
        if found is None:
            text = "0/log/0", 0
        elif is_all:
            identities, has_more, text = await _read_all(followed, reached, version, limit)
        else:
            identities, has_more, text = await _read_log(followed, reached, limit)
        items = await records_of(connection, table, tenant, number, identities)
    return {"items": items, "cursor": encoded(name, text), "has_more": has_more}


def _start(collection: int, version: int) -> tuple[int, bool, _Reached]:
    return collection, True, _Reached(version + 1)


def _parse(part: str, position: int) -> tuple[int, bool, _Reached]:
    """The collection, whether all rows are being read, and how far; raises `InvalidCursor`."""
    shape = _CURSOR.fullmatch(part)
    if shape is None:
        raise InvalidCursor(UNREADABLE)
    collection, version, kind, upload = (int(shape[name] or 0) for name in ("collection", "version", "kind", "upload"))
    if shape["kind"]:
        return collection, False, _Reached(version, _Source(kind, upload), position)
    return collection, shape["what"] == "all", _Reached(version + 1, position=position)


async def _read_all(
    followed: _Followed, reached: _Reached, version: int, limit: int
) -> tuple[list[Identity], bool, tuple[str, int]]:
    """The rows that there are now. Those that move meanwhile are in the versions that come after the first request."""
    wanted = keys_visible(followed.table, followed.tenant, followed.collection, reached.position, limit + 1)
    rows = (await followed.connection.execute(wanted)).all()
    first = reached.version - 1
    if len(rows) > limit:
        return (
            [identity_of_row(row) for row in rows[:limit]],
            True,
            (f"{followed.collection}/all/{first}", rows[limit - 1].id),
        )
    return [identity_of_row(row) for row in rows], version > first, (f"{followed.collection}/log/{first}", 0)


async def _read_log(followed: _Followed, reached: _Reached, limit: int) -> tuple[list[Identity], bool, tuple[str, int]]:
    """What the versions have touched from there on, as far as it is known by now."""
    identities: list[Identity] = []
    done = reached.version - 1
    wanted = versions_from(followed.collection, reached.version, _MOST_VERSIONS)
    versions = (await followed.connection.execute(wanted)).all()
    for version in versions:
        if not _is_known(version):
            return identities, False, (f"{followed.collection}/log/{done}", 0)
        begun = reached if version.version == reached.version else _Reached(version.version)
        for source in await _sources(followed, version):
            if (source.kind, source.number) < (begun.source.kind, begun.source.number):
                continue
            is_begun = (source.kind, source.number) == (begun.source.kind, begun.source.number)
            after = begun.position if is_begun else 0
            async for position, identity in _identities(followed, version, source, after, limit - len(identities)):
                identities.append(identity)
                if len(identities) == limit:
                    here = f"{followed.collection}/log/{version.version}/{source.kind}/{source.number}"
                    return identities, True, (here, position)
        done = version.version
    return identities, len(versions) == _MOST_VERSIONS, (f"{followed.collection}/log/{done}", 0)


def _is_known(version: Row[Any]) -> bool:
    """Whether everything that the version has touched is listed."""
    if version.change == Change.UNDONE:
        return not version.is_unlisted
    is_counted = version.new_records is not None or version.state != UploadState.COMPLETED
    return is_counted or version.change != Change.PUBLISHED


async def _sources(followed: _Followed, version: Row[Any]) -> list[_Source]:
    """In a fixed order, in which none comes later."""
    connection, number = followed.connection, version.number
    counts = Counts.of(*(getattr(version, f"{name}_records") for name in ("new", "changed", "unchanged", "removed")))
    listed = [_Source(_LISTED, number)] if is_listed(followed.table, version.mode, counts) else []
    touched = _Source(_TOUCHED, 0)
    match version.change:
        case Change.UNDONE:
            uploads = await connection.execute(touched_uploads(followed.collection, version.version))
            return [*listed, touched, *(_Source(_ROWS, *each) for each in uploads)]
        case Change.CORRECTED:
            return [touched]
        case _ if version.state != UploadState.COMPLETED:  # it was undone; that version tells
            return []
        case _ if listed:
            return [*listed, touched]
    replaced = [*await connection.execute(replaced_uploads(number))] if version.mode == WriteMode.REPLACE else []
    return sorted([_Source(_ROWS, number, version.first_id), *(_Source(_ROWS, *each) for each in replaced)])


async def _identities(
    followed: _Followed, version: Row[Any], source: _Source, after: int, limit: int
) -> AsyncIterator[tuple[int, Identity]]:
    """At most `limit` records of a source behind a position, each with its own."""
    connection = followed.connection
    if source.kind == _LISTED:
        for row in await connection.execute(listed_identities(source.number, after, limit)):
            yield row.position, row.identity
    elif source.kind == _ROWS:
        of_it = followed.table, followed.tenant, followed.collection, source.first_id
        for row in await connection.execute(keys_of_upload(*of_it, after, limit)):
            yield row.id, identity_of_row(row)
    else:
        while chunk := await _chunk(connection, followed.collection, version.version, after):
            for each in chunk:
                yield each
            after = chunk[-1][0]


async def _chunk(connection: AsyncConnection, collection: int, version: int, after: int) -> list[tuple[int, Identity]]:
    """Touched records behind a position; none at the end."""
    found: list[tuple[int, Identity]] = []
    for row in await connection.execute(touched_identities(collection, version, after)):
        numbered = ((row.position * WITHIN + n, identity) for n, identity in enumerate(row.identities))
        found += [each for each in numbered if each[0] > after]
    return found
