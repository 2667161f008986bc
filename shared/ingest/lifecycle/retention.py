"""Removes files, rejects and idempotency keys whose time is over, with one round every few minutes."""

from typing import Final

import structlog
from sqlalchemy import Engine, select, text

from shared.database.models import DefaultFile, Shot, Upload
from shared.database.state_machine import ACTIVE_STATES, sql_list
from shared.settings import Settings
from shared.storage.protocol import Storage

log = structlog.get_logger()

# A file that no row names belongs to a request that is still sending or has died; no client pauses for an hour.
_ORPHAN_SECONDS: Final = 3600
_DAY_SECONDS: Final = 24 * 3600

_ACTIVE: Final = f"state IN ({sql_list(ACTIVE_STATES)})"

_OLD_FILES: Final = text(f"""
SELECT storage_key FROM uploads
WHERE NOT {_ACTIVE} AND finished_at < now() - make_interval(secs => :seconds)
""")

_REMOVE_OLD_REJECTS: Final = text(f"""
DELETE FROM rejects USING uploads AS upload
WHERE rejects.upload_number = upload.number AND NOT upload.{_ACTIVE}
  AND upload.finished_at < now() - make_interval(secs => :seconds)
""")

_REMOVE_OLD_KEYS: Final = text("""
DELETE FROM idempotency_keys
WHERE created_at < now() - make_interval(secs => :seconds) AND lease_until < clock_timestamp()
""")


_REMOVE_OLD_PULLS: Final = text("DELETE FROM pulls WHERE ended_at < now() - make_interval(secs => :seconds)")


def apply_retention(engine: Engine, storage: Storage, settings: Settings) -> None:
    """One round; raises errors of SQLAlchemy, and `OSError`."""
    _remove_files(engine, storage, settings)
    with engine.begin() as connection:
        rejects = connection.execute(_REMOVE_OLD_REJECTS, {"seconds": settings.reject_retention_days * _DAY_SECONDS})
        keys = connection.execute(_REMOVE_OLD_KEYS, {"seconds": settings.idempotency_key_days * _DAY_SECONDS})
        connection.execute(_REMOVE_OLD_PULLS, {"seconds": settings.reject_retention_days * _DAY_SECONDS})
    if rejects.rowcount or keys.rowcount:
        log.info("outdated_removed", rejects=rejects.rowcount, idempotency_keys=keys.rowcount)


def _remove_files(engine: Engine, storage: Storage, settings: Settings) -> None:
    """Remove files of uploads that ended long ago, and files that belong to nothing."""
    # Before the rows that name them: a file that is registered in the meantime is no orphan.
    objects = list(storage.list_objects())
    with engine.connect() as connection:
        known: set[str] = set()
        for owner in (Upload, DefaultFile, Shot):
            known.update(connection.scalars(select(owner.storage_key)))
        old = set(connection.scalars(_OLD_FILES, {"seconds": settings.file_retention_days * _DAY_SECONDS}))
    for key, age_seconds in objects:
        is_orphan = key not in known and age_seconds > _ORPHAN_SECONDS
        if is_orphan or key in old:
            storage.delete(key)
            log.info("file_removed", storage_key=key, reason="orphan" if is_orphan else "retention")
