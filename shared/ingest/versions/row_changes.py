"""Which rows an upload adds, changes and removes: pairs of ids, written when it is compared with what is there."""

from dataclasses import asdict, dataclass
from typing import Final

from shared.catalog.table import Table
from shared.database.row_tables import sql_table
from shared.database.state_machine import Connection

# Uploads that append may have left several rows with one key. A record that equals one of them changes nothing; the
# other rows go. A record that equals none changes the latest of them.
_SETTLE: Final = """
WITH several AS (
    SELECT position FROM (
        SELECT position, row_number() OVER (PARTITION BY new_id ORDER BY old_id DESC) AS place
        FROM row_changes WHERE upload_number = {number} AND num_nulls(old_id, new_id) = 0
    ) AS numbered WHERE place > 1
    UNION
    SELECT position FROM row_changes
    WHERE upload_number = {number} AND num_nulls(old_id, new_id) = 0 AND EXISTS (
        SELECT FROM {staged} AS staged JOIN {present} AS present ON {same_key}
        WHERE staged.id = new_id AND NOT {differs})
)
UPDATE row_changes SET new_id = NULL FROM several
WHERE upload_number = {number} AND row_changes.position = several.position
"""
_FORGET: Final = "DELETE FROM row_changes WHERE upload_number = %(number)s"
_COUNT: Final = """
SELECT count(*) FILTER (WHERE old_id IS NULL), count(*) FILTER (WHERE num_nulls(old_id, new_id) = 0),
       count(*) FILTER (WHERE new_id IS NULL)
FROM row_changes WHERE upload_number = %(number)s
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records of an upload are new, changed, or equal to what is there, and how many rows it removes."""

    new: int
    changed: int
    unchanged: int
    removed: int

    def to_json(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


def settle(connection: Connection, table: Table, number: int, *, staged: str, present: str) -> None:
    """Give each changed record one row that it changes: of several with its key, the others are removed.

    `staged` and `present`: SQL for the records and for the rows that they were compared with.
    """
    same_key = " AND ".join(f"staged.{name} = present.{name}" for name in table.key)
    names = {"number": number, "staged": staged, "present": present, "same_key": same_key}
    connection.execute(_SETTLE.format(**names, differs=differs(table)))


def count_changes(connection: Connection, number: int, records: int) -> Counts:
    """Count what is written; `records`: how many were compared."""
    [[new, changed, removed]] = connection.execute(_COUNT, number=number)
    return Counts(new=new, changed=changed, unchanged=records - new - changed, removed=removed)


def forget_changes(connection: Connection, number: int) -> None:
    """Delete what is written."""
    connection.execute(_FORGET, number=number)


def differs(table: Table) -> str:
    """SQL: whether the row `staged` has other values than the row `present`."""
    fields = [column.name for column in sql_table(table).columns if column.name not in ("id", "tenant", "collection")]
    staged, present = (", ".join(f"{alias}.{name}" for name in fields) for alias in ("staged", "present"))
    return f"({staged}) IS DISTINCT FROM ({present})"
