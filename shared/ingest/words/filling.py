"""Adds the words of a collection to the vocabulary of its tenant: version by version, in chunks of ids.

A chunk is one transaction, with the progress that says up to where the words are known. A process that dies costs one
chunk, and any other one goes on. Words are also taken of rows that were superseded meanwhile: an undo may bring these
back. A word stays when its last row has gone. It is no secret then, because the tenant has seen it, and it leads to
nothing, because a search looks for rows.
"""

from dataclasses import dataclass
from typing import Final

from shared.catalog.misspelling import WORD
from shared.catalog.registry import Registry
from shared.catalog.table import Table
from shared.database.collections import collection_by_number
from shared.database.models import Change, Collection
from shared.database.record_ids import end_of
from shared.database.row_tables import history_name
from shared.database.state_machine import Connection
from shared.database.superseded_rows import superseded_branch
from shared.failpoints import reach

CHUNK_IDS: Final = 10_000

_NEXT_COLLECTION: Final = """
SELECT collections.number, collections.version, coalesce(progress.version, 0), coalesce(progress.next_id, 0)
FROM collections LEFT JOIN vocabulary_progress AS progress ON progress.collection = collections.number
WHERE collections.table_name = ANY(%(tables)s::text[]) AND collections.version > coalesce(progress.version, 0)
ORDER BY collections.number LIMIT 1
"""
# An undo only brings back rows whose words are known. The rows of a correction are among the ids of what it corrects.
_NEXT_VERSION: Final = f"""
SELECT made.version, target.first_id
FROM collection_versions AS made
    JOIN uploads AS upload ON upload.number = made.upload_number
    JOIN uploads AS target ON target.number = coalesce(upload.corrects, upload.number)
WHERE made.collection = %(collection)s AND made.version > %(version)s AND made.change <> '{Change.UNDONE}'
ORDER BY made.version LIMIT 1
"""
_SAVE: Final = """
INSERT INTO vocabulary_progress (collection, version, next_id) VALUES (%(collection)s, %(version)s, %(next_id)s)
ON CONFLICT (collection) DO UPDATE SET version = excluded.version, next_id = excluded.next_id
"""

_OF_COLLECTION: Final = "collection = {collection} AND id >= %(low)s AND id < %(high)s"
_FIRST_ID: Final = f"(SELECT id FROM {{source}} WHERE {_OF_COLLECTION} ORDER BY id LIMIT 1)"
_TEXTS: Final = f"SELECT {{texts}} AS texts FROM {{source}} WHERE {_OF_COLLECTION}"
_ADD: Final = """
INSERT INTO vocabulary (tenant, word)
SELECT DISTINCT '{tenant}', word COLLATE "C"
FROM ({rows}) AS rows, unnest(string_to_array(texts, ' ')) AS word
WHERE word COLLATE "C" ~ %(word)s
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class _Pending:
    """The rows of a version whose words are not known yet: those of the collection with ids in [low, high)."""

    table: Table
    collection: Collection
    version: int
    low: int
    high: int

    def union_of(self, part: str) -> str:
        """SQL for the part in each of the tables that may have these rows."""
        table, branch = self.table, self.collection.branch
        sources = branch, superseded_branch(table.name, branch), history_name(table.name)
        texts = f"concat_ws(' ', {', '.join(table.words)})"
        parts = (part.format(source=each, collection=self.collection.number, texts=texts) for each in sources)
        return " UNION ALL ".join(parts)


def fill_chunk(connection: Connection, registry: Registry, chunk_ids: int = CHUNK_IDS) -> bool:
    """Add the words of the next rows, in a transaction of its own; False if all are known.

    One process at a time may call it.
    """
    tables = [table.name for table in registry.tables.values() if table.words]
    found = connection.execute(_NEXT_COLLECTION, tables=tables)
    if not found:
        return False
    number, current, done, next_id = found[0]
    collection = collection_by_number(connection, number)
    versions = connection.execute(_NEXT_VERSION, collection=number, version=done)
    if not versions:
        connection.execute(_SAVE, collection=number, version=current, next_id=0)
        return True
    [[version, first_id]] = versions
    table = registry.tables[collection.table_name]
    pending = _Pending(table, collection, version, max(first_id, next_id), end_of(first_id))
    low = _first_id(connection, pending)
    if low is None:
        connection.execute(_SAVE, collection=number, version=version, next_id=0)
        return True
    high = min(low + chunk_ids, pending.high)
    _add_words(connection, pending, low, high)
    reach("vocabulary.added")
    connection.execute(_SAVE, collection=number, version=done, next_id=high)
    return True


def _first_id(connection: Connection, pending: _Pending) -> int | None:
    first = f"SELECT min(id) FROM ({pending.union_of(_FIRST_ID)}) AS first"
    [[low]] = connection.execute(first, low=pending.low, high=pending.high)
    return None if low is None else int(low)


def _add_words(connection: Connection, pending: _Pending, low: int, high: int) -> None:
    statement = _ADD.format(tenant=pending.collection.tenant, rows=pending.union_of(_TEXTS))
    connection.execute(statement, low=low, high=high, word=WORD)
