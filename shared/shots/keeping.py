"""Keeps shots and removes them.

The file is stored first and the row after it, so there is never a row without a file. A file without a row is an
orphan, which the sweep removes. Shots of a tenant with the same bytes share one file. Who adds or removes a shot holds
a lock of the tenant: nobody shares a file that is being removed, and no limit is exceeded by two at a time.
"""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, RowMapping, delete, exists, func, insert, select, text, update

from shared.database.models import Shot
from shared.database.queries.browsing.shots import Record, bytes_of_shots, same_shot, shots_of
from shared.database.tenancy import tenant_transaction
from shared.errors import NotFound, TooManyShots
from shared.shots.picture import Picture
from shared.storage.protocol import Storage, remove_object

# An arbitrary number, and the tenant.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(5270920, hashtext(:tenant))")


@dataclass(frozen=True)
class Limits:
    """How many shots a movie may have, and how many bytes those of a tenant, each counted even if they share a file."""

    shots_per_movie: int
    tenant_bytes: int


def keep(engine: Engine, storage: Storage, record: Record, picture: Picture, limits: Limits) -> tuple[RowMapping, bool]:
    """The shot as it is stored, and whether it is new: the same picture of a movie is one shot.

    Raises `TooManyShots`, `StorageFull` and `Unavailable`; then nothing is kept.
    """
    key = storage.new_key()
    _store(storage, key, picture.content)
    is_committing = False
    try:
        with tenant_transaction(engine, record.tenant) as connection:
            connection.execute(_LOCK, {"tenant": record.tenant})
            shot, is_new = _insert(connection, record, picture, key, limits)
            is_committing = True
    except Exception:
        # If the answer to the COMMIT is lost, the row may be there.
        if not is_committing:
            remove_object(storage, key)
        raise
    if shot["storage_key"] != key:
        remove_object(storage, key)
    return shot, is_new


def remove(engine: Engine, storage: Storage, tenant: str, shot_id: uuid.UUID) -> None:
    """Remove the shot, and its file if no other one shares it; raises `NotFound`."""
    with tenant_transaction(engine, tenant) as connection:
        connection.execute(_LOCK, {"tenant": tenant})
        mine = delete(Shot).where(Shot.id == shot_id, Shot.tenant == tenant)
        key = connection.scalar(mine.returning(Shot.storage_key))
        if key is None:
            raise NotFound("There is no shot with this id.")
        is_shared = connection.scalar(select(exists().where(Shot.tenant == tenant, Shot.storage_key == key)))
    if not is_shared:
        remove_object(storage, key)


def follow(connection: Connection, collection: int, first_id: int, end_id: int, row_id: int) -> None:
    """Shots of rows without a key, with ids in [first_id, end_id), belong to the row with `row_id` from now on.

    It is the same record, as an edit or an undo has set it. The caller is the owner of the tables.
    """
    of_rows = Shot.collection == collection, Shot.row_id >= first_id, Shot.row_id < end_id
    connection.execute(update(Shot).where(*of_rows).values(row_id=row_id))


def _store(storage: Storage, key: str, content: bytes) -> None:
    writer = storage.create(key)
    try:
        writer.write(content)
        writer.commit()
    except BaseException:
        writer.discard()
        raise


def _insert(
    connection: Connection, record: Record, picture: Picture, key: str, limits: Limits
) -> tuple[RowMapping, bool]:
    sha256 = hashlib.sha256(picture.content).hexdigest()
    there = connection.execute(shots_of(record).where(Shot.sha256 == sha256)).mappings().one_or_none()
    if there is not None:
        return there, False
    _require_room(connection, record, len(picture.content), limits)
    values: dict[str, Any] = {
        "tenant": record.tenant,
        "collection": record.collection,
        "source_id": record.source_id,
        "row_id": record.row_id,
        "storage_key": connection.scalar(same_shot(record.tenant, sha256)) or key,
        "sha256": sha256,
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "size_bytes": len(picture.content),
    }
    new = insert(Shot).values(values).returning(*Shot.__table__.columns)
    return connection.execute(new).mappings().one(), True


def _require_room(connection: Connection, record: Record, size_bytes: int, limits: Limits) -> None:
    of_record = select(func.count()).select_from(Shot).where(*record.shots)
    if connection.scalars(of_record).one() >= limits.shots_per_movie:
        raise TooManyShots(
            f"A movie may have {limits.shots_per_movie} shots; delete one of them first.",
            {"limit": limits.shots_per_movie, "what": "shots"},
        )
    if (connection.scalar(bytes_of_shots(record.tenant)) or 0) + size_bytes > limits.tenant_bytes:
        raise TooManyShots(
            f"The shots of a tenant may have {limits.tenant_bytes:,} bytes together; delete some first.",
            {"limit": limits.tenant_bytes, "what": "bytes"},
        )
