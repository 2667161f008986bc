"""Lets rows take the place of those with the same key, and takes that back.

A record that equals a row with its key changes nothing and adds no row.
"""

from typing import Final

from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.models.collections import Collection
from shared.database.record_ids import end_id_of, first_id_of
from shared.database.row_tables import history_name, sql_table
from shared.database.state_machine import Connection, UploadState
from shared.ingest.versions import row_moves, totals
from shared.ingest.versions.row_changes import Counts, count_changes, differs, forget_changes, settle

_COMPARE: Final = """
INSERT INTO row_changes (upload_number, old_id, new_id)
SELECT {number}, present.id, staged.id
FROM {staged} AS staged LEFT JOIN {branch} AS present ON present.collection = {collection} AND {same_key}
WHERE present.id IS NULL OR {differs}
ORDER BY staged.id, present.id DESC
"""

_INSERT: Final = """
WITH added AS (
    INSERT INTO {into} ({columns})
    SELECT {staged_columns} FROM {staged} AS staged
    WHERE id IN (SELECT new_id FROM row_changes WHERE upload_number = {number} AND new_id IS NOT NULL)
    RETURNING *
)
SELECT {facets}::text, count(*) FROM added GROUP BY 1 ORDER BY 1
"""
_HAND_ON: Final = """
UPDATE {history} AS old SET superseded_by = later.number FROM {later}
WHERE old.superseded_by = {number} AND {is_same}
"""

_MODE: Final = "SELECT mode, version FROM uploads WHERE number = %(number)s"
# A later upload has superseded these rows, and this one would have done so first.
_COME_BEFORE: Final = """
UPDATE {history} AS old SET superseded_by = {number}
FROM {joined}, uploads AS own, uploads AS successor
WHERE old.collection = {collection} AND {is_same} AND {is_of_earlier} AND own.version < {own_version}
  AND successor.number = old.superseded_by AND successor.version > {own_version}
"""
_CHANGED: Final = """
UPDATE uploads SET new_records = new_records - %(changed)s, changed_records = changed_records + %(changed)s
WHERE number = %(number)s
"""
_JOINED: Final = """
(SELECT {key} FROM {branch} WHERE collection = {collection} AND id = ANY(%(ids)s::bigint[])) AS later
"""
_HAND_ALL_ON: Final = "UPDATE {history} SET superseded_by = %(successor)s WHERE superseded_by = %(number)s"

# Rows of upserts that were published after a version, whether or not they were superseded themselves, by key; the
# earliest upsert of each key counts.
_SET_LATER: Final = """
(
    SELECT DISTINCT ON ({key}) {key}, upload.number, upload.version
    FROM uploads AS upload, LATERAL (
        SELECT {key} FROM {branch} WHERE collection = {collection} AND id >= first_id AND id < {end_id}
        UNION ALL
        SELECT {key} FROM {history} WHERE collection = {collection} AND id >= first_id AND id < {end_id}
    ) AS its_row
    WHERE upload.collection = {collection} AND upload.state = '{completed}' AND upload.mode = '{upsert}'
      AND upload.corrects IS NULL AND upload.superseded_by IS NULL AND upload.version > {after}
    ORDER BY {key}, upload.version
) AS later
"""


def compare(
    connection: Connection, table: Table, collection: Collection, number: int, staged: str, records: int
) -> Counts:
    """Find out what this upload changes: its records, each key once, are in the table `staged`.

    Writes its `row_changes` anew. `records`: how many are staged.
    """
    names = _names(table, collection) | {"number": number, "staged": staged, "differs": differs(table)}
    forget_changes(connection, number)
    connection.execute(_COMPARE.format(**names))
    present = f"(SELECT * FROM {collection.branch} WHERE collection = {collection.number})"
    settle(connection, table, number, staged=staged, present=present)
    return count_changes(connection, number, records)


def upsert(
    connection: Connection, table: Table, collection: Collection, number: int, staged: str, into: str, version: int
) -> None:
    """Do what `compare` has found: supersede rows, and insert the new and changed ones of `staged` into a leaf."""
    row_moves.supersede(
        connection,
        table,
        collection,
        f"change.upload_number = {number} AND change.old_id = old.id",
        version,
        by=str(number),
        using="row_changes AS change",
    )
    names = _names(table, collection) | {"number": number, "staged": staged, "into": into}
    facets, counts = [], []
    for values, count in connection.execute(_INSERT.format(**names, facets=totals.facets_of(table))):
        facets.append(values)
        counts.append(count)
    totals.add_to_upload(connection, number, {"facets": facets, "row_counts": counts})


def take_back(
    connection: Connection, table: Table, collection: Collection, number: int, own_version: int, version: int
) -> None:
    """Make the rows that this upload has superseded visible again, except those that later upserts have set.

    Its own rows must be gone. `own_version`: that of its publishing.
    """
    names = _names(table, collection) | {"number": number}
    if table.key:
        connection.execute(_HAND_ON.format(**names, later=_set_after(table, collection, own_version)))
    row_moves.restore(connection, table, collection, number, version)


def pass_on(connection: Connection, collection: Collection, number: int, successor: int) -> None:
    """Make the upload that has replaced everything since the one that has superseded the rows of this one."""
    statement = _HAND_ALL_ON.format(history=history_name(collection.table_name))
    connection.execute(statement, number=number, successor=successor)


def join(
    connection: Connection, table: Table, collection: Collection, number: int, ids: list[int], version: int
) -> None:
    """Give rows that have joined a published upload their place in the order of all uploads: that of this one."""
    if not table.key:
        return
    [[mode, own_version]] = connection.execute(_MODE, number=number)
    if mode == WriteMode.UPSERT:
        names = _names(table, collection)
        joined, is_of_earlier = _JOINED.format(**names), _is_of_earlier(collection)
        changed = row_moves.supersede(
            connection,
            table,
            collection,
            f"{names['is_same']} AND {is_of_earlier} AND own.version < {own_version}",
            version,
            by=str(number),
            using=f"{joined}, uploads AS own",
            ids=ids,
        )
        names |= {"number": number, "own_version": own_version, "joined": joined, "is_of_earlier": is_of_earlier}
        connection.execute(_COME_BEFORE.format(**names), ids=ids)
        connection.execute(_CHANGED, number=number, changed=changed)
    supersede_what_later_upserts_set(connection, table, collection, own_version, version)


def supersede_what_later_upserts_set(
    connection: Connection, table: Table, collection: Collection, after: int, version: int
) -> None:
    """Supersede visible rows whose key an upsert has set that is later than they are and than the version `after`."""
    if not table.key:
        return
    row_moves.supersede(
        connection,
        table,
        collection,
        f"{_names(table, collection)['is_same']} AND {_is_of_earlier(collection)} AND own.version < later.version",
        version,
        by="later.number",
        using=f"{_set_after(table, collection, after)}, uploads AS own",
    )


def _is_of_earlier(collection: Collection) -> str:
    """SQL: whether `own` is the upload of the row `old`; which version made it is to be compared."""
    is_its_upload = f"own.first_id = {first_id_of('old.id')} AND own.corrects IS NULL"
    return f"own.tenant = '{collection.tenant}' AND {is_its_upload}"


def _set_after(table: Table, collection: Collection, version: int) -> str:
    return _SET_LATER.format(
        **_names(table, collection),
        end_id=end_id_of("first_id"),
        completed=UploadState.COMPLETED,
        upsert=WriteMode.UPSERT,
        after=version,
    )


def _names(table: Table, collection: Collection) -> dict[str, object]:
    columns = sql_table(table).columns.keys()
    return {
        "branch": collection.branch,
        "collection": collection.number,
        "history": history_name(table.name),
        "key": ", ".join(table.key),
        "same_key": " AND ".join(f"staged.{name} = present.{name}" for name in table.key),
        "is_same": " AND ".join(f"old.{name} = later.{name}" for name in table.key),
        "columns": ", ".join(columns),
        "staged_columns": ", ".join(f"staged.{name}" for name in columns),
    }
