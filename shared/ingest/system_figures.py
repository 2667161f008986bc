"""Figures of the whole system for those who operate it: what waits, who works, and what is done in the background.

One transaction of a few statements, each over an index of active rows or a small table; no figure names a tenant.
"""

from dataclasses import dataclass
from typing import Final

from shared.catalog.registry import Registry
from shared.database.partitions import LEAVES_WITHOUT_WORDS
from shared.database.state_machine import (
    ACTIVE_STATES,
    BatchState,
    Connection,
    UploadState,
    sql_list,
)
from shared.ingest.versions.leaves import count_leaves

# The server ends what takes longer: figures must not slow down a system that is in trouble.
STATEMENT_TIMEOUT: Final = "SET LOCAL statement_timeout = '2s'"

# Of each partial index: active uploads have few pending batches that are leased, and these are looked up by upload.
_LOADING: Final = f"""
WITH active AS (
    SELECT number, tenant, state, created_at, lease_until FROM uploads WHERE state IN ({sql_list(ACTIVE_STATES)})
), pending AS (
    SELECT active.tenant, active.created_at, batches.lease_until
    FROM active JOIN batches ON upload_number = active.number AND batches.state = '{BatchState.PENDING}'
)
SELECT (SELECT count(*) FROM active WHERE state = '{UploadState.QUEUED}'),
       (SELECT count(*) FROM active WHERE state = '{UploadState.LOADING}'),
       (SELECT count(*) FROM active WHERE lease_until >= clock_timestamp()),
       (SELECT count(*) FROM pending),
       (SELECT count(*) FROM pending WHERE lease_until >= clock_timestamp()),
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 FROM pending
        WHERE coalesce(lease_until, '-infinity') < clock_timestamp()
          AND NOT EXISTS (SELECT FROM tenant_settings AS paused WHERE paused.tenant = pending.tenant AND is_paused))
"""
_MERGING: Final = """
SELECT (SELECT is_paused FROM merge_control), (SELECT count(*) FROM merges WHERE NOT is_merged)
"""
_UNKNOWN_WORDS: Final = """
SELECT count(*) FROM collections LEFT JOIN vocabulary_progress AS progress ON progress.collection = collections.number
WHERE table_name = ANY(%(tables)s::text[]) AND collections.version > coalesce(progress.version, 0)
"""
_WITHOUT_WORDS: Final = f"""
SELECT count(*)
FROM (SELECT DISTINCT table_name, branch FROM collections WHERE table_name = ANY(%(tables)s::text[])) AS held
{LEAVES_WITHOUT_WORDS}
"""


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """`oldest_waiting_seconds`: since when the oldest upload with a free batch is there, paused tenants apart.

    `unknown_words`: collections whose newest words the vocabulary lacks; `leaves_without_words`: leaves without indexes
    of words.
    """

    uploads: dict[UploadState, int]
    pending_batches: int
    leased_batches: int
    leased_publishings: int
    oldest_waiting_seconds: float
    leaves: int
    most_leaves: int
    is_merging_paused: bool
    merges: int
    unknown_words: int
    leaves_without_words: int


def measure(connection: Connection, registry: Registry) -> SystemFigures:
    """The figures now, in the caller's transaction, whose statement timeout this sets."""
    connection.execute(STATEMENT_TIMEOUT)
    tables = [table.name for table in registry.tables.values() if table.words]
    [[queued, loading, publishings, pending, leased, oldest]] = connection.execute(_LOADING)
    [[is_paused, merges]] = connection.execute(_MERGING)
    [[unknown]], [[without]] = (connection.execute(each, tables=tables) for each in (_UNKNOWN_WORDS, _WITHOUT_WORDS))
    leaves = count_leaves(connection).values()
    return SystemFigures(
        uploads={UploadState.QUEUED: queued, UploadState.LOADING: loading},
        pending_batches=pending,
        leased_batches=leased,
        leased_publishings=publishings,
        oldest_waiting_seconds=oldest,
        leaves=sum(leaves),
        most_leaves=max(leaves, default=0),
        is_merging_paused=is_paused,
        merges=merges,
        unknown_words=unknown,
        leaves_without_words=without,
    )
