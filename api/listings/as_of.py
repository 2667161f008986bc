"""`as_of`: rows as they were at an earlier moment, or after an upload."""

import uuid
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.http_errors import InvalidMoment
from api.listings.upload_documents import no_such_upload
from shared.database.queries.moments import Later, Moment, is_obstacle, moment_of, versions_since
from shared.database.state_machine import UploadState
from shared.database.tenancy import tenant_reading
from shared.errors import HistoryExpired, StateConflict

AsOf = Annotated[
    str | None,
    Query(
        max_length=64,
        description="As it was then: a time (ISO 8601; UTC unless it says otherwise), or just after an upload, by its"
        " id.",
        examples=["2026-12-01T00:00:00Z"],
        json_schema_extra={"format": "date-time"},  # or a UUID, which OpenAPI cannot say beside it
    ),
]


async def later_than(engine: AsyncEngine, tenant: str, table_name: str, as_of: str | None) -> Later | None:
    """What was published since; None without `as_of`.

    Raises `InvalidMoment`, `NotFound` and `StateConflict` for an upload that was not published into the table, and
    `HistoryExpired` if it is no longer known what was visible.
    """
    if as_of is None:
        return None
    async with tenant_reading(engine, tenant) as connection:
        moment = await _moment(connection, tenant, table_name, as_of)
        versions = (await connection.execute(versions_since(tenant, table_name, moment))).all()
    known = {(version.collection, version.version) for version in versions}
    obstacles = [version for version in versions if is_obstacle(version, known)]
    if obstacles:
        last = obstacles[-1]
        why = (
            "the rows that were superseded before are no longer kept"
            if last.is_pruned
            else (f"an upload of before, {last.id}, was {last.change} since")
        )
        raise HistoryExpired(f"What was visible then is no longer known: {why}.", {"earliest": last.at.isoformat()})
    uploads = {version.number: version.first_id for version in versions if version.state == UploadState.COMPLETED}
    return Later(as_of, tuple(uploads), tuple(uploads.values()))


async def require_known(
    engine: AsyncEngine, tenant: str, table_name: str, as_of: str | None, later: Later | None
) -> None:
    """Raise `HistoryExpired` if what has happened while rows were read makes them other ones than those of then."""
    now = await later_than(engine, tenant, table_name, as_of)
    if later is not None and now is not None and not set(later.numbers) <= set(now.numbers):
        raise HistoryExpired("An upload was undone while the rows of then were read; try again.")


async def _moment(connection: AsyncConnection, tenant: str, table_name: str, as_of: str) -> Moment:
    try:
        upload_id = uuid.UUID(as_of)
    except ValueError:
        return Moment(_time(as_of))
    upload = (await connection.execute(moment_of(upload_id, tenant))).one_or_none()
    if upload is None:
        raise no_such_upload()
    if upload.table_name != table_name:
        raise InvalidMoment("as_of names an upload into another table")
    if upload.at is None or upload.state != UploadState.COMPLETED:
        detail = f"as_of names an upload that is {upload.state}, so it was not published or is no more"
        raise StateConflict(detail, {"state": upload.state, "allowed": [UploadState.COMPLETED]})
    return Moment(upload.at, upload.collection, upload.version)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidMoment("as_of must be a time such as 2026-12-01T00:00:00Z, or the id of an upload") from error
