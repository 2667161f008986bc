"""Retention of superseded rows: what was superseded long ago is dropped, and with it the way back.

After that an upload that replaced or updated by then cannot be undone, and neither its changes nor what was visible
before are known. Readers see no difference.
"""

from typing import Final

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.catalog.write_mode import WriteMode
from shared.database.collections import collection_by_number
from shared.database.engine import PlainSql, is_lock_trouble
from shared.database.models.collections import Change, Collection
from shared.database.row_tables import history_name
from shared.failpoints import reach
from shared.ingest.versions.leaves import leaves_of

log = structlog.get_logger()

_DAY_SECONDS: Final = 24 * 3600
_LOCK_TIMEOUT: Final = text("SET LOCAL lock_timeout = '200ms'")

# The latest version that is older than this, of collections in which some superseded rows may be.
_OUTDATED: Final = text("""
SELECT collections.number, max(outdated.version)
FROM collections JOIN collection_versions AS outdated
    ON outdated.collection = collections.number AND outdated.version > collections.pruned_version
WHERE outdated.at < clock_timestamp() - make_interval(secs => :seconds)
GROUP BY collections.number ORDER BY collections.number
""")
# From then on nobody makes a version of the collection until the transaction ends.
_PRUNE: Final = """
UPDATE collections SET pruned_version = %(version)s WHERE number = %(collection)s AND pruned_version < %(version)s
RETURNING number
"""
_SUPERSEDING: Final = f"""
SELECT number FROM uploads
WHERE collection = %(collection)s AND version <= %(version)s AND mode <> '{WriteMode.APPEND}'
"""
_FORGET_MERGES: Final = "DELETE FROM merges WHERE superseded_by = ANY(%(numbers)s::bigint[])"
_FORGET_TOUCHED: Final = "DELETE FROM touched_rows WHERE collection = %(collection)s AND version <= %(version)s"
# Those that were undone later are still to be told to who follows the collection.
_FORGET_CHANGES: Final = f"""
DELETE FROM row_changes
WHERE upload_number = ANY(%(numbers)s::bigint[]) AND NOT EXISTS (
    SELECT FROM collection_versions AS later
    WHERE later.upload_number = row_changes.upload_number AND change = '{Change.UNDONE}' AND version > %(version)s)
"""


def prune(engine: Engine, days: float) -> None:
    """Drop what was superseded before so many days; raises errors of SQLAlchemy."""
    with engine.connect() as connection:
        outdated = connection.execute(_OUTDATED, {"seconds": days * _DAY_SECONDS}).all()
    for number, version in outdated:
        try:
            _prune(engine, number, version)
        except DBAPIError as error:  # somebody reads what was visible long ago; the next round tries again
            if not is_lock_trouble(error):
                raise
            log.info("pruning_postponed", collection=number)


def _prune(engine: Engine, number: int, version: int) -> None:
    with engine.begin() as connection:
        connection.execute(_LOCK_TIMEOUT)
        plain = PlainSql(connection)
        names = {"collection": number, "version": version}
        if not plain.execute(_PRUNE, **names):
            return
        collection = collection_by_number(plain, number)
        numbers = [upload for (upload,) in plain.execute(_SUPERSEDING, **names)]
        for upload in numbers:
            _drop_leaves(plain, collection, upload)
        if numbers:
            history = history_name(collection.table_name)
            of_them = "superseded_by = ANY(%(numbers)s::bigint[])"
            plain.execute(f"DELETE FROM {history} WHERE {of_them}", numbers=numbers)
            plain.execute(_FORGET_MERGES, numbers=numbers)
            plain.execute(_FORGET_CHANGES, numbers=numbers, version=version)
        plain.execute(_FORGET_TOUCHED, **names)
        reach("prune.removed")
    log.info("superseded_removed", collection=number, version=version)


def _drop_leaves(plain: PlainSql, collection: Collection, upload: int) -> None:
    for leaf in leaves_of(plain, collection.table_name, collection.number, superseded_by=upload):
        # The upload of a leaf that an earlier round has dropped is still superseded.
        plain.execute(f"DROP TABLE IF EXISTS {leaf.name}")
