"""Finds or creates the collection that a loader loads into, and forgets what is unfinished in its table."""

from typing import Final

from shared.catalog.table import Table
from shared.database.models.collections import Collection
from shared.database.partitions import create_branch, create_shared_leaf, create_table, merged_leaf
from shared.database.state_machine import Connection
from shared.database.superseded_rows import create_superseded_branch, create_superseded_tables

_FIND: Final = """
SELECT number, branch FROM collections
WHERE tenant = %(tenant)s AND table_name = %(table_name)s AND dataset = %(dataset)s
"""
_BY_NUMBER: Final = "SELECT tenant, dataset, table_name, branch FROM collections WHERE number = %(number)s"
# An arbitrary number, and the table: one process at a time makes partitions of it.
_LOCK: Final = "SELECT pg_advisory_xact_lock(5270918, hashtext(%(table_name)s))"
_FIND_BRANCH: Final = "SELECT min(branch) FROM collections WHERE tenant = %(tenant)s AND table_name = %(table_name)s"
_INSERT: Final = """
WITH next AS (SELECT nextval(pg_get_serial_sequence('collections', 'number')) AS number)
INSERT INTO collections (number, tenant, dataset, table_name, branch) OVERRIDING SYSTEM VALUE
SELECT number, %(tenant)s, %(dataset)s, %(table_name)s, coalesce(%(branch)s, %(table_name)s || '_t' || number) FROM next
RETURNING number, branch
"""
_FORGET_MERGE: Final = """
DELETE FROM merges USING collections
WHERE collections.number = collection AND table_name = %(table)s AND NOT is_merged
RETURNING merges.number
"""


def collection_of(connection: Connection, table: Table, tenant: str, dataset: str) -> Collection:
    """The tenant's collection of this dataset, in a transaction that creates it and its partitions if need be."""
    names = {"tenant": tenant, "table_name": table.name, "dataset": dataset}
    found = connection.execute(_FIND, **names)
    if not found:
        connection.execute(_LOCK, table_name=table.name)
        found = connection.execute(_FIND, **names)
    if found:
        return Collection(number=found[0][0], branch=found[0][1], **names)
    [[branch]] = connection.execute(_FIND_BRANCH, tenant=tenant, table_name=table.name)
    [[number, new_branch]] = connection.execute(_INSERT, branch=branch, **names)
    collection = Collection(number=number, branch=new_branch, **names)
    statements = []
    if connection.execute("SELECT to_regclass(%(name)s)::text", name=table.name)[0][0] is None:  # a declared dataset's
        statements = [*create_table(table), *create_superseded_tables(table)]
    if branch is None:
        statements += create_branch(table, new_branch, tenant)
        statements += create_superseded_branch(table, new_branch, tenant)
    for statement in [*statements, *create_shared_leaf(table, collection)]:
        connection.execute(statement)
    return collection


def collection_by_number(connection: Connection, number: int) -> Collection:
    """A collection that there is."""
    [[tenant, dataset, table_name, branch]] = connection.execute(_BY_NUMBER, number=number)
    return Collection(number=number, tenant=tenant, dataset=dataset, table_name=table_name, branch=branch)


def forget_unfinished_merge(connection: Connection, table: str) -> None:
    """Forget the merge that is under way in a table, whoever works on it, and drop its leaf."""
    for (number,) in connection.execute(_FORGET_MERGE, table=table):
        connection.execute(f"DROP TABLE {merged_leaf(table, number)}")
