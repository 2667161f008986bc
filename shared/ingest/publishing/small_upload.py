"""Publishes a small upload in the transaction that loads its only batch."""

import pyarrow as pa

from shared.catalog.write_mode import WriteMode
from shared.database.loader_connection import LoaderConnection
from shared.database.partitions import STAGED, create_staged
from shared.failpoints import reach
from shared.ingest.publishing.completion import complete
from shared.ingest.versions import replacing, totals, upserting
from shared.ingest.work import Work


def copy_rows(connection: LoaderConnection, work: Work, rows: pa.Table) -> None:
    """Write the rows, before anything is locked: into their leaf, or aside if only some of them will go there."""
    if work.mode is WriteMode.UPSERT:
        connection.execute(create_staged(work.destination.table))
    connection.copy(work.destination.copy_to, rows)


def publish_small(connection: LoaderConnection, work: Work, rows: pa.Table, version: int) -> None:
    """Do what its mode says to the rows before it, and complete the upload; see `begin_version` for what is locked."""
    destination, changes = work.destination, None
    table, collection = destination.table, destination.collection
    if work.mode is WriteMode.UPSERT:
        changes = upserting.compare(connection, table, collection, work.number, STAGED, rows.num_rows)
        upserting.upsert(connection, table, collection, work.number, STAGED, destination.leaf, version)
    else:
        totals.add_to_upload(connection, work.number, totals.counted(table, rows))
    if work.mode is WriteMode.REPLACE:
        replacing.replace_all(connection, table, collection, work.number, destination.first_id, version)
    if work.mode is not WriteMode.APPEND:
        reach("publish.superseded")
    complete(connection, work, None, version, changes)
