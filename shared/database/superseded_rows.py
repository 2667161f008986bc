"""Where superseded rows are: out of sight of readers, until an undo brings them back.

    movies_superseded               PARTITION BY LIST (tenant): it has the policies
    `-- movies_superseded_t<n>      a tenant's branch, PARTITION BY RANGE (collection, id)
        `-- movies_u, movies_m      whole leaves, which an upload has replaced
    movies_history                  single rows, of all tenants: those that upserts have superseded, and those of small
                                    uploads that a replacing one has

Both have one column more than the rows: `superseded_by`, the number of the upload that took their place. A leaf moves
without a look at its rows: it leaves one branch and enters the other, and PostgreSQL keeps the value of the further
column, the same for all of its rows, in the catalog.
"""

from shared.catalog.table import Table
from shared.database.models.collections import Collection
from shared.database.partitions import attach, bounds_of, open_to_requests
from shared.database.row_tables import history_definitions, history_name, superseded_name


def create_superseded_tables(table: Table) -> list[str]:
    """SQL for both tables. Migrations create those of built-in tables."""
    superseded, history = superseded_name(table.name), history_name(table.name)
    columns = ", ".join(history_definitions(table))
    return [
        f"CREATE TABLE {superseded} ({columns}) PARTITION BY LIST (tenant)",
        f"CREATE TABLE {history} ({columns}, CONSTRAINT pk_{history} PRIMARY KEY (id))",
        f"CREATE INDEX ix_{history}_superseded_by ON {history} (superseded_by)",
        *open_to_requests(superseded),
        *open_to_requests(history),
    ]


def superseded_branch(table: str, branch: str) -> str:
    """Name of the branch for the superseded leaves of the tenant that has this branch."""
    return superseded_name(table) + branch.removeprefix(table)


def create_superseded_branch(table: Table, branch: str, tenant: str) -> list[str]:
    """SQL for a tenant's branch of superseded leaves."""
    name = superseded_branch(table.name, branch)
    return [
        f"CREATE TABLE {name} ({', '.join(history_definitions(table))}) PARTITION BY RANGE (collection, id)",
        f"ALTER TABLE {superseded_name(table.name)} ATTACH PARTITION {name} FOR VALUES IN ('{tenant}')",
    ]


def supersede_leaf(collection: Collection, leaf: str, low: int, high: int, upload_number: int) -> list[str]:
    """SQL that moves a visible leaf with ids in [low, high) out of sight: this upload has taken its place."""
    return [
        f"ALTER TABLE {collection.branch} DETACH PARTITION {leaf}",
        *_hide(collection, leaf, low, high, upload_number),
    ]


def restore_leaf(collection: Collection, leaf: str, low: int, high: int) -> list[str]:
    """SQL that makes a superseded leaf visible again."""
    return [*_unhide(collection, leaf), attach(collection, leaf, low, high)]


def pass_leaf_on(collection: Collection, leaf: str, low: int, high: int, upload_number: int) -> list[str]:
    """SQL that makes another upload the one that has superseded a leaf."""
    return [*_unhide(collection, leaf), *_hide(collection, leaf, low, high, upload_number)]


def withdraw_leaf(collection: Collection, leaf: str, to: str, *, is_superseded: bool) -> list[str]:
    """SQL that takes a leaf, visible or superseded, out of the branch that it is in, and gives it another name."""
    of_superseded = superseded_branch(collection.table_name, collection.branch)
    branch = of_superseded if is_superseded else collection.branch
    return [f"ALTER TABLE {branch} DETACH PARTITION {leaf}", f"ALTER TABLE {leaf} RENAME TO {to}"]


def _hide(collection: Collection, leaf: str, low: int, high: int, upload_number: int) -> list[str]:
    branch = superseded_branch(collection.table_name, collection.branch)
    return [
        f"ALTER TABLE {leaf} ADD COLUMN superseded_by bigint NOT NULL DEFAULT {upload_number}",
        f"ALTER TABLE {branch} ATTACH PARTITION {leaf} FOR VALUES {bounds_of(collection, low, high)}",
    ]


def _unhide(collection: Collection, leaf: str) -> list[str]:
    branch = superseded_branch(collection.table_name, collection.branch)
    return [f"ALTER TABLE {branch} DETACH PARTITION {leaf}", f"ALTER TABLE {leaf} DROP COLUMN superseded_by"]
