"""Which rows an upload adds, changes and removes: pairs of ids, written when it is compared with what is there.

Uploads that append, and those that replace nothing or rows without a key, are not compared: all their rows are new, and
all that they have superseded is removed.
"""

from dataclasses import asdict, dataclass
from typing import Final, Self

from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.models.collections import Collection
from shared.database.row_tables import sql_table
from shared.database.state_machine import Connection
from shared.ingest.versions.identities import identity_of, key_of

# For a transaction in which millions of rows are compared.
COMPARING_MEMORY: Final = "SET LOCAL work_mem = '256MB'"

# Uploads that append may have left several rows with one key. A record that equals one of them changes nothing; the
# other rows go. A record that equals none changes the latest of them. One pass over all pairs decides it: what was
# listed has no statistics, so in a second join the planner took it for one row, and compared all rows again for each.
_COMPARE: Final = """
INSERT INTO row_changes (upload_number, old_id, new_id, identity)
SELECT {number}, old_id, CASE WHEN number_of_pair = 1 THEN new_id END, identity
FROM (
    SELECT old_id, new_id, is_change, identity,
           row_number() OVER (PARTITION BY new_id ORDER BY is_change, old_id DESC) AS number_of_pair
    FROM ({compared}) AS compared
) AS numbered
WHERE is_change
ORDER BY new_id, old_id DESC
"""
# What has no key is compared with nothing. It is left out of the join, because the indexes of the keys leave it out: so
# both sides come from these indexes in the order of the keys, and need not be sorted.
_COMPARED: Final = """
SELECT present.id AS old_id, staged.id AS new_id,
       CASE WHEN staged.id IS NULL THEN {key_of_present} ELSE {key_of_staged} END AS identity,
       present.id IS NULL OR staged.id IS NULL OR {differs} AS is_change
FROM (SELECT * FROM {staged} AS staged WHERE {has_key}) AS staged
{join} JOIN (SELECT * FROM {present} AS present WHERE {has_key}) AS present ON {same_key}
UNION ALL SELECT NULL, id, to_jsonb(id), true FROM {staged} AS staged WHERE NOT ({has_key})
"""
_PRESENT_WITHOUT_KEY: Final = """
UNION ALL SELECT id, NULL, to_jsonb(id), true FROM {present} AS present WHERE NOT ({has_key})
"""
# Of the rows with the key of one that has joined, the latest is the one that it changes.
_ADD_JOINED: Final = """
INSERT INTO row_changes (upload_number, old_id, new_id, identity)
SELECT {number}, (
    SELECT max(old.id) FROM {branch} AS old, uploads AS own
    WHERE old.collection = {collection} AND {same_key} AND {is_earlier}
), joined.id, {identity}
FROM {joined} AS joined ORDER BY joined.id
"""
_ADD_ONE: Final = """
INSERT INTO row_changes (upload_number, new_id, identity) SELECT {number}, id, {identity} FROM {staged} AS staged
"""
_CHANGE_ONE: Final = """
INSERT INTO row_changes (upload_number, old_id, new_id, identity)
SELECT {number}, old.id, %(new_id)s::bigint, {identity}
FROM {branch} AS old WHERE old.collection = {collection} AND old.id = %(target)s
UNION ALL
SELECT {number}, old.id, NULL, {identity}
FROM {branch} AS target JOIN {branch} AS old ON {same_key}
WHERE target.collection = {collection} AND target.id = %(target)s AND old.collection = {collection}
  AND old.id <> %(target)s
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

    @classmethod
    def of(cls, *counts: int | None) -> Self:
        """Those of an upload as it is stored; they are null until they are counted."""
        return cls(*(count or 0 for count in counts))

    def to_json(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


def compare(
    connection: Connection, table: Table, number: int, *, staged: str, present: str, records: int, is_whole: bool
) -> Counts:
    """Find out what the records of an upload, each key once, change among the rows that are there; write it anew.

    `staged` and `present`: SQL for the records and for the rows. `records`: how many records there are. `is_whole`:
    rows with other keys are removed.
    """
    names = {
        "number": number,
        "staged": staged,
        "present": present,
        "same_key": " AND ".join(f"staged.{name} = present.{name}" for name in table.key),
        "has_key": " AND ".join(f"{name} IS NOT NULL" for name in table.key),
        "differs": _differs(table),
        "key_of_staged": key_of(table, "staged"),
        "key_of_present": key_of(table, "present"),
        "join": "FULL" if is_whole else "LEFT",
    }
    compared = _COMPARED + (_PRESENT_WITHOUT_KEY if is_whole else "")
    forget_changes(connection, number)
    connection.execute(_COMPARE.format(number=number, compared=compared.format(**names)))
    [[new, changed, removed]] = connection.execute(_COUNT, number=number)
    return Counts(new=new, changed=changed, unchanged=records - new - changed, removed=removed)


def add_one(connection: Connection, table: Table, number: int, staged: str) -> Counts:
    """List the only record of an upload, which is new: the row in the table `staged`."""
    connection.execute(_ADD_ONE.format(number=number, staged=staged, identity=identity_of(table, "staged")))
    return Counts(new=1, changed=0, unchanged=0, removed=0)


def change_one(
    connection: Connection, table: Table, collection: Collection, number: int, target: int, new_id: int | None
) -> Counts:
    """List that a visible row is changed to the one with the id `new_id`, or removed: the only change of an upload.

    Other rows with its key are removed. `target`: the id of the row.
    """
    statement = _CHANGE_ONE.format(
        number=number,
        branch=collection.branch,
        collection=collection.number,
        same_key=" AND ".join(f"old.{name} = target.{name}" for name in table.key) or "false",
        identity=identity_of(table, "old"),
    )
    connection.execute(statement, target=target, new_id=new_id)
    [[new, changed, removed]] = connection.execute(_COUNT, number=number)
    return Counts(new=new, changed=changed, unchanged=0, removed=removed)


def differs_from(connection: Connection, table: Table, collection: Collection, staged: str, target: int) -> bool:
    """Whether the only row in the table `staged` has other values than a visible row."""
    statement = f"SELECT {_differs(table)} FROM {staged} AS staged, {rows_with(collection)} AS present"
    return bool(connection.execute(statement, ids=[target])[0][0])


def add_joined(
    connection: Connection, table: Table, collection: Collection, number: int, ids: list[int], is_earlier: str
) -> None:
    """List rows that have joined an upload whose changes are listed, before anything of earlier uploads moves.

    `is_earlier`: SQL, whether `own` is the upload of the row `old` and earlier than this one.
    """
    statement = _ADD_JOINED.format(
        number=number,
        branch=collection.branch,
        collection=collection.number,
        same_key=" AND ".join(f"old.{name} = joined.{name}" for name in table.key),
        is_earlier=is_earlier,
        identity=identity_of(table, "joined"),
        joined=rows_with(collection),
    )
    connection.execute(statement, ids=ids)


def is_listed(table: Table, mode: str, counts: Counts) -> bool:
    """Whether what an upload of this mode has changed is written: it was compared with rows that were there."""
    met = counts.changed + counts.unchanged + counts.removed
    return mode == WriteMode.UPSERT or (mode == WriteMode.REPLACE and bool(table.key) and met > 0)


def visible_rows(collection: Collection) -> str:
    """SQL for the rows of a collection that readers see."""
    return f"(SELECT * FROM {collection.branch} WHERE collection = {collection.number})"


def rows_with(collection: Collection) -> str:
    """SQL for the visible rows of a collection with ids in `%(ids)s`."""
    return f"(SELECT * FROM {collection.branch} WHERE collection = {collection.number} AND id = ANY(%(ids)s::bigint[]))"


def forget_changes(connection: Connection, number: int) -> None:
    """Delete what is written about an upload."""
    connection.execute(_FORGET, number=number)


def _differs(table: Table) -> str:
    """SQL: whether the row `staged` has other values than the row `present`."""
    fields = [column.name for column in sql_table(table).columns if column.name not in ("id", "tenant", "collection")]
    staged, present = (", ".join(f"{alias}.{name}" for name in fields) for alias in ("staged", "present"))
    return f"({staged}) IS DISTINCT FROM ({present})"
