"""Holds a tenant's branch of a table, so that leaves can be swapped: readers wait meanwhile, so it must be short."""

from typing import Final

from shared.catalog.table import Table
from shared.database.engine import EXPORT_NAME
from shared.database.models.collections import Collection
from shared.database.state_machine import Connection
from shared.ingest.versions.leaves import leaves_of

# An autovacuum gives way only to a wait of more than `deadlock_timeout`, by default a second.
_LEAF_TIMEOUT: Final = "SET LOCAL lock_timeout = '1500ms'"
# Those who come later wait behind us.
_BRANCH_TIMEOUT: Final = "SET LOCAL lock_timeout = '200ms'"

# A process that is paused in the middle loses its session, and its locks with it.
_IDLE_TIMEOUT: Final = "SET LOCAL idle_in_transaction_session_timeout = '1s'"

# An export reads for as long as its client takes, so the exports that would be waited for are ended: those of the
# tenant and table, because they lock its branch. A session of a login that the owner has no rights of is left alone.
_END_EXPORTS: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %(export)s AND pg_has_role(usesysid, 'USAGE')
  AND pid IN (
      SELECT pid FROM pg_locks WHERE relation = %(branch)s::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  )
"""


def end_exports(connection: Connection, branch: str) -> None:
    """End the exports that read from a branch."""
    connection.execute(_END_EXPORTS, export=EXPORT_NAME, branch=branch)


def hold_branch(connection: Connection, table: Table, collection: Collection) -> None:
    """Lock the leaves of the collection against autovacuum and the branch against everyone, before the collection.

    Raises errors of the driver after short waits; then the whole transaction is to be repeated.
    """
    connection.execute(_IDLE_TIMEOUT)
    connection.execute(_LEAF_TIMEOUT)
    leaves = leaves_of(connection, table.name, collection.number)
    if leaves:
        names = ", ".join(leaf.name for leaf in leaves)
        connection.execute(f"LOCK TABLE {names} IN SHARE UPDATE EXCLUSIVE MODE")
    connection.execute(_BRANCH_TIMEOUT)
    end_exports(connection, collection.branch)
    connection.execute(f"LOCK TABLE ONLY {collection.branch} IN ACCESS EXCLUSIVE MODE")
