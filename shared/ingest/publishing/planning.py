"""Plans: a loaded upload waits, with what it would change, until somebody applies or cancels it.

A plan is what the upload changes in one version of its collection. Once applied it is published as such or not at all:
if the collection has another version by then, the changes are counted anew and the upload waits again.
"""

from typing import Final

from shared.catalog.write_mode import WriteMode
from shared.database.loader_connection import LoaderConnection
from shared.database.partitions import open_to_requests
from shared.errors import PlanStale
from shared.failpoints import reach
from shared.ingest.publishing.completion import wait_for_decision
from shared.ingest.versions import upserting
from shared.ingest.versions.collection_versions import current_version
from shared.ingest.versions.replaced import compare_all
from shared.ingest.versions.row_changes import COMPARING_MEMORY, Counts, visible_rows
from shared.ingest.work import Work, record_event

_PLANNED: Final = """
SELECT new_records, changed_records, unchanged_records, removed_records FROM uploads WHERE number = %(upload)s
"""


def plan(connection: LoaderConnection, work: Work, epoch: int) -> None:
    """Find out what the upload would change, and let it wait."""
    table, collection, staged = work.destination.table, work.destination.collection, work.destination.copy_to
    with connection.transaction():
        connection.execute(COMPARING_MEMORY)
        # If another version comes before the rows are compared, the plan is stale at once, and that is noticed.
        version = current_version(connection, collection)
        [[records]] = connection.execute(f"SELECT count(*) FROM {staged}")
        match work.mode:
            case WriteMode.APPEND:
                changes = Counts(records, 0, 0, 0)
            case WriteMode.UPSERT:
                changes = upserting.compare(connection, table, collection, work.number, staged, records)
            case WriteMode.REPLACE:
                present = visible_rows(collection)
                changes = compare_all(connection, table, work.number, staged=staged, present=present, records=records)
        reach("plan.compared")
        if work.compared_version is None:  # those who decide about it read the rows that wait
            for statement in open_to_requests(staged):
                connection.execute(statement)
        uncounted = records if work.mode is WriteMode.UPSERT else 0
        wait_for_decision(connection, work, epoch, version, changes, uncounted)
    reach("plan.committed")


def planned_changes(connection: LoaderConnection, work: Work, version: int) -> Counts | None:
    """What an upload whose plan is applied changes; None for one without a plan.

    `version`: the one that it makes. Raises `PlanStale`.
    """
    if work.compared_version is None:
        return None
    if work.mode is not WriteMode.APPEND and version != work.compared_version + 1:
        raise PlanStale("the dataset has changed since the plan was made")
    return Counts(*connection.execute(_PLANNED, upload=work.number)[0])


def plan_again(connection: LoaderConnection, work: Work, epoch: int) -> None:
    """Plan an upload anew that was applied too late."""
    with connection.transaction():
        record_event(connection, work.number, "plan_stale", "something else was published before the plan was applied")
    plan(connection, work, epoch)
