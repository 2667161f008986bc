"""Lets rows take the place of those with the same key, and takes that back.

A record that equals a row with its key changes nothing and adds no row.
"""

from typing import Any, Final

from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.models.collections import Collection
from shared.database.models.uploads import UploadKind
from shared.database.record_ids import end_id_of, first_id_of
from shared.database.row_tables import history_name, sql_table, sql_type
from shared.database.state_machine import Connection, UploadState
from shared.database.superseded_rows import superseded_branch
from shared.ingest.versions import row_changes, row_moves, totals
from shared.ingest.versions.row_changes import Counts, is_listed, visible_rows

_INSERT: Final = """
WITH added AS (
    INSERT INTO {into} ({columns})
    SELECT {staged_columns} FROM {staged} AS staged
    WHERE id IN (SELECT new_id FROM row_changes WHERE upload_number = {number} AND new_id IS NOT NULL)
    RETURNING *
)
{counted_rows}
"""
# Besides those that have set its key, an upsert that has met several rows with a key has superseded single ones.
_HAND_ON: Final = """
UPDATE {history} AS old SET superseded_by = next.number
FROM (
    SELECT DISTINCT ON (id) id, number FROM (
        SELECT old.id, later.number, later.version FROM {history} AS old JOIN {later} ON {is_same}
        WHERE old.superseded_by = {number}
        UNION ALL
        SELECT old.id, upload.number, upload.version
        FROM {history} AS old JOIN row_changes AS change ON change.old_id = old.id
            JOIN uploads AS upload ON upload.number = change.upload_number AND {is_candidate}
        WHERE old.superseded_by = {number}
    ) AS candidates ORDER BY id, version
) AS next
WHERE old.id = next.id
"""

# A record without a key is what people have made of it: rows share the fate of the one that took their place.
_FOLLOW_CHANGED: Final = """
UPDATE {history} AS old SET superseded_by = own.superseded_by
FROM row_changes AS change JOIN {history} AS own ON own.id = change.new_id
WHERE change.upload_number = {number} AND jsonb_typeof(change.identity) = 'number'
  AND old.superseded_by = {number}
"""

_UPLOAD: Final = """
SELECT mode, version, new_records, changed_records, unchanged_records, removed_records
FROM uploads WHERE number = %(number)s
"""
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

# Rows of upserts that were published after a version and replaced by the same upload, if by any, by key, wherever they
# are by now; of each key the earliest upsert counts. What a person has removed is set as well: to nothing.
_SET_AFTER: Final = """
(
    SELECT DISTINCT ON ({key}) {key}, upload.number, upload.version
    FROM uploads AS upload, LATERAL (
        SELECT {key} FROM {branch} WHERE collection = {collection} AND id >= first_id AND id < {end_id}
        UNION ALL
        SELECT {key} FROM {superseded} WHERE collection = {collection} AND id >= first_id AND id < {end_id}
        UNION ALL
        SELECT {key} FROM {history} WHERE collection = {collection} AND id >= first_id AND id < {end_id}
        UNION ALL
        SELECT {removed_key} FROM row_changes
        WHERE upload_number = upload.number AND upload.kind = '{manual}' AND {has_removed_key}
    ) AS its_row
    WHERE {is_candidate}
    ORDER BY {key}, upload.version
) AS later
"""
_IS_CANDIDATE: Final = """
upload.collection = {collection} AND upload.state = '{completed}' AND upload.mode = '{upsert}'
AND upload.corrects IS NULL AND upload.superseded_by IS NOT DISTINCT FROM {successor} AND upload.version > {after}
"""


def compare(
    connection: Connection, table: Table, collection: Collection, number: int, staged: str, records: int
) -> Counts:
    """Find out what this upload changes: its records, each key once, are in the table `staged`.

    Writes its `row_changes` anew. `records`: how many are staged.
    """
    present = visible_rows(collection)
    return row_changes.compare(
        connection, table, number, staged=staged, present=present, records=records, is_whole=False
    )


def upsert(
    connection: Connection, table: Table, collection: Collection, number: int, staged: str, into: str, version: int
) -> None:
    """Do what `compare` has found: supersede rows, and insert the new and changed ones of `staged` into a leaf."""
    row_moves.supersede(
        connection,
        table,
        collection,
        condition=f"change.upload_number = {number} AND change.old_id = old.id",
        version=version,
        by=str(number),
        using="row_changes AS change",
    )
    names = _names(table, collection) | {"number": number, "staged": staged, "into": into}
    counted = connection.execute(_INSERT.format(**names, counted_rows=totals.counted_rows(table, "added")))
    totals.add_to_upload(connection, number, totals.counts_of(counted))


def take_back(
    connection: Connection, table: Table, collection: Collection, number: int, own_version: int, version: int
) -> None:
    """Make the rows that this upload has superseded visible again, except those that later upserts have set.

    Its own rows must be gone. `own_version`: that of its publishing.
    """
    _hand_on(connection, table, collection, number, None, own_version)
    row_moves.restore(connection, table, collection, number, version)


def follow_changed(connection: Connection, collection: Collection, number: int) -> None:
    """Let rows without a key that this manual upload has superseded be superseded by what supersedes its own row.

    Its row must be there still.
    """
    connection.execute(_FOLLOW_CHANGED.format(history=history_name(collection.table_name), number=number))


def pass_on(
    connection: Connection, table: Table, collection: Collection, number: int, successor: int, own_version: int
) -> None:
    """Give the single rows that this upload has superseded to the next upload that would have superseded them.

    That is an upsert, or the upload that has replaced everything since, the `successor` of this one.
    """
    _hand_on(connection, table, collection, number, successor, own_version)
    statement = _HAND_ALL_ON.format(history=history_name(collection.table_name))
    connection.execute(statement, number=number, successor=successor)


def _hand_on(
    connection: Connection, table: Table, collection: Collection, number: int, successor: int | None, own_version: int
) -> None:
    if table.key:
        names = _names(table, collection) | {"number": number}
        names["is_candidate"] = _is_candidate(collection, own_version, successor)
        later = _set_after(table, collection, own_version, successor)
        connection.execute(_HAND_ON.format(**names, later=later))


def join(
    connection: Connection, table: Table, collection: Collection, number: int, ids: list[int], version: int
) -> None:
    """Give rows that have joined a published upload their place in the order of all uploads: that of this one."""
    if not table.key:
        return
    [[mode, own_version, *counts]] = connection.execute(_UPLOAD, number=number)
    is_of_earlier = _is_of_earlier(collection)
    if is_listed(table, mode, Counts.of(*counts)):
        is_earlier = f"{is_of_earlier} AND own.version < {own_version}"
        row_changes.add_joined(connection, table, collection, number, ids, is_earlier)
    if mode == WriteMode.UPSERT:
        names = _names(table, collection)
        joined = _JOINED.format(**names)
        changed = row_moves.supersede(
            connection,
            table,
            collection,
            condition=f"{names['is_same']} AND {is_of_earlier} AND own.version < {own_version}",
            version=version,
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
    if table.key:
        later = _set_after(table, collection, after, None)
        names = _later_rows(table, collection, later)
        row_moves.supersede(connection, table, collection, version=version, **names)


def supersede_what_upserts_in_between_set(
    connection: Connection, table: Table, collection: Collection, successor: int, after: int, version: int
) -> None:
    """The same for rows in leaves that the `successor` has replaced, and for upserts before that."""
    if table.key:
        later = _set_after(table, collection, after, successor)
        names = _later_rows(table, collection, later)
        row_moves.supersede(connection, table, collection, version=version, replaced_by=successor, **names)


def _later_rows(table: Table, collection: Collection, later: str) -> dict[str, Any]:
    """What `row_moves.supersede` needs: of the rows `old` those with a key of the rows `later` of later upserts."""
    is_same, is_of_earlier = _names(table, collection)["is_same"], _is_of_earlier(collection)
    return {
        "condition": f"{is_same} AND {is_of_earlier} AND own.version < later.version",
        "by": "later.number",
        "using": f"{later}, uploads AS own",
    }


def _is_of_earlier(collection: Collection) -> str:
    """SQL: whether `own` is the upload of the row `old`; which version made it is to be compared."""
    is_its_upload = f"own.first_id = {first_id_of('old.id')} AND own.corrects IS NULL"
    return f"own.tenant = '{collection.tenant}' AND {is_its_upload}"


def _set_after(table: Table, collection: Collection, version: int, successor: int | None) -> str:
    return _SET_AFTER.format(
        **_names(table, collection),
        end_id=end_id_of("first_id"),
        removed_key=", ".join(f"(identity ->> {n})::{sql_type(table, name)}" for n, name in enumerate(table.key)),
        has_removed_key="new_id IS NULL AND jsonb_typeof(identity) = 'array'",
        manual=UploadKind.MANUAL,
        is_candidate=_is_candidate(collection, version, successor),
    )


def _is_candidate(collection: Collection, version: int, successor: int | None) -> str:
    """SQL: whether `upload` is an upsert that may be the next to supersede a row."""
    return _IS_CANDIDATE.format(
        collection=collection.number,
        completed=UploadState.COMPLETED,
        upsert=WriteMode.UPSERT,
        after=version,
        successor="NULL" if successor is None else successor,
    )


def _names(table: Table, collection: Collection) -> dict[str, object]:
    columns = sql_table(table).columns.keys()
    return {
        "branch": collection.branch,
        "collection": collection.number,
        "superseded": superseded_branch(table.name, collection.branch),
        "history": history_name(table.name),
        "key": ", ".join(table.key),
        "is_same": " AND ".join(f"old.{name} = later.{name}" for name in table.key),
        "columns": ", ".join(columns),
        "staged_columns": ", ".join(f"staged.{name}" for name in columns),
    }
