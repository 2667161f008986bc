"""What undos and corrections touch, kept for those who follow the collection: afterwards no row may tell.

An upload that was compared has listed its changes (`row_changes`), and its undo touches the same records. The rows of
others are listed here when they go. A large leaf is only taken out of sight by the undo, under another name; the sweep
lists its rows and drops it (`lifecycle.withdrawn`).
"""

from typing import Final

from shared.catalog.table import Table
from shared.database.models.collections import Collection
from shared.database.state_machine import Connection
from shared.ingest.versions.identities import identity_of

# How many identities a row of `touched_rows` has at most.
_IDENTITIES: Final = 1000

_TOUCH: Final = """
{rows}
INSERT INTO touched_rows (collection, version, tenant, identities)
SELECT {collection}, {version}, '{tenant}', jsonb_agg(identity)
FROM (SELECT {identity} AS identity, (row_number() OVER () - 1) / {size} AS chunk FROM touched) AS numbered
GROUP BY chunk ORDER BY chunk
"""
_TOUCH_REPLACED: Final = """
INSERT INTO touched_rows (collection, version, tenant, upload_number)
SELECT %(collection)s, %(version)s, %(tenant)s, number FROM uploads WHERE superseded_by = %(by)s ORDER BY number
"""


def touch(
    connection: Connection, table: Table, collection: Collection, version: int, rows: str, **values: object
) -> None:
    """Keep that this version has touched rows. `rows`: SQL, a SELECT of them or a DELETE that returns them."""
    statement = _TOUCH.format(
        rows=f"WITH touched AS ({rows})",
        collection=collection.number,
        version=version,
        tenant=collection.tenant,
        identity=identity_of(table, "touched"),
        size=_IDENTITIES,
    )
    connection.execute(statement, **values)


def touch_replaced(connection: Connection, collection: Collection, version: int, upload_number: int) -> None:
    """Keep that this version has touched all rows of the uploads that this one has replaced."""
    names = {"collection": collection.number, "tenant": collection.tenant, "by": upload_number}
    connection.execute(_TOUCH_REPLACED, version=version, **names)
