"""Reads shots: of a movie, single ones, and their bytes."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.dependencies import Tenant
from api.description.schemas.shots import Shot, ShotLinks
from api.runtime import Runtime
from shared.database.queries.browsing.shots import Record, shot_by_id, shots_of, source_id_of
from shared.database.queries.movies import source_of
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound, StoredFileCorrupt

# Larger shots are read and sent block by block, so that a client that reads slowly keeps none in memory.
_BLOCK_BYTES: Final = 1024 * 1024


async def record_of(engine: AsyncEngine, movie_id: int, tenant: str) -> Record:
    """What the shots of the movie belong to; raises `NotFound`."""
    async with tenant_reading(engine, tenant) as connection:
        return await _record_of(connection, movie_id, tenant)


async def read_shots(engine: AsyncEngine, movie_id: int, tenant: str) -> list[RowMapping]:
    """The shots of the movie, the oldest first; raises `NotFound`."""
    async with tenant_reading(engine, tenant) as connection:
        record = await _record_of(connection, movie_id, tenant)
        return list((await connection.execute(shots_of(record))).mappings())


async def find_shot(engine: AsyncEngine, shot_id: uuid.UUID, tenant: str) -> RowMapping:
    """The shot; raises `NotFound`."""
    async with tenant_reading(engine, tenant) as connection:
        found = await connection.execute(shot_by_id(shot_id, tenant))
        shot: RowMapping | None = found.mappings().one_or_none()
    if shot is None:
        raise NotFound("There is no shot with this id.")
    return shot


async def bytes_of(runtime: Runtime, shot: RowMapping) -> AsyncIterator[bytes]:
    """The blocks of its file, of which the first is read already; raises `NotFound` if it is removed meanwhile."""
    try:
        first = await _block(runtime, shot, 0)
    except StoredFileCorrupt:
        await find_shot(runtime.read_engine, shot["id"], shot["tenant"])
        raise
    return _blocks(runtime, shot, first)


def described(shot: RowMapping, movie_id: int, tenant: Tenant) -> Shot:
    """The shot as an answer describes it, for the movie that the client named."""
    links = ShotLinks(
        self=tenant.address(f"/api/v1/shots/{shot['id']}"), movie=tenant.address(f"/api/v1/movies/{movie_id}")
    )
    shown = {name: shot[name] for name in Shot.model_fields if name in shot}
    return Shot(**shown, movie_id=movie_id, links=links)


async def _record_of(connection: AsyncConnection, movie_id: int, tenant: str) -> Record:
    source = (await connection.execute(source_of(movie_id, tenant))).one_or_none()
    if source is not None and source.collection is not None:
        row = (await connection.execute(source_id_of(movie_id, tenant, source.collection))).one_or_none()
        if row is not None:
            return Record.of_movie(movie_id, tenant, source.collection, row.source_id)
    raise NotFound("There is no movie with this id.")


async def _blocks(runtime: Runtime, shot: RowMapping, first: bytes) -> AsyncIterator[bytes]:
    yield first
    for start in range(_BLOCK_BYTES, shot["size_bytes"], _BLOCK_BYTES):
        yield await _block(runtime, shot, start)


async def _block(runtime: Runtime, shot: RowMapping, start: int) -> bytes:
    end = min(start + _BLOCK_BYTES, shot["size_bytes"])
    return await asyncio.to_thread(runtime.storage.read, shot["storage_key"], start, end)
