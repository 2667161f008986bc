"""The shots of a movie, and single ones.

The id of a movie's row changes when an upsert or a replacement sets it anew. So shots belong to a record: to the key
of the row within its collection, or to the id of a row without one, which only an edit can set anew: then they follow.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select

from shared.database.models import Shot, ShotTotal
from shared.database.queries.browsing.listing import MOVIES
from shared.database.timing.statement_names import named


@dataclass(frozen=True)
class Record:
    """What shots belong to; `row_id` is None if there is a `source_id`."""

    tenant: str
    collection: int
    source_id: str | None
    row_id: int | None

    @classmethod
    def of_movie(cls, movie_id: int, tenant: str, collection: int, source_id: str | None) -> "Record":
        """The record of a row."""
        return cls(tenant, collection, source_id, movie_id if source_id is None else None)

    @property
    def shots(self) -> list[ColumnElement[bool]]:
        """The condition that a shot belongs to it."""
        # of the two only one is not null, and an index serves it
        of_record = Shot.row_id == self.row_id if self.source_id is None else Shot.source_id == self.source_id
        return [Shot.tenant == self.tenant, Shot.collection == self.collection, of_record]


@named
def source_id_of(movie_id: int, tenant: str, collection: int) -> Select[str | None]:
    """The key of the movie, one row if there is the movie."""
    of_tenant = MOVIES.tenant == bindparam("tenant", tenant, literal_execute=True)
    of_collection = MOVIES.collection == bindparam("collection", collection, literal_execute=True)
    of_id = MOVIES.id == bindparam("movie_id", movie_id, literal_execute=True)
    return select(MOVIES.source_id).where(of_tenant, of_collection, of_id)


@named
def shots_of(record: Record) -> Select[Any]:
    """The shots of a record, the oldest first."""
    return select(*Shot.__table__.columns).where(*record.shots).order_by(Shot.created_at, Shot.id)


@named
def shot_by_id(shot_id: uuid.UUID, tenant: str) -> Select[Any]:
    """The shot, if it belongs to the tenant."""
    return select(*Shot.__table__.columns).where(Shot.id == shot_id, Shot.tenant == tenant)


@named
def same_shot(tenant: str, sha256: str) -> Select[str]:
    """`storage_key` of the tenant's shots with these bytes; they share one."""
    return select(Shot.storage_key).where(Shot.tenant == tenant, Shot.sha256 == sha256).limit(1)


@named
def bytes_of_shots(tenant: str) -> Select[int]:
    """How many bytes all shots of the tenant have; no row if it never had one."""
    return select(ShotTotal.size_bytes).where(ShotTotal.tenant == tenant)
