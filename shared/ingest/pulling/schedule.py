"""Which sources are due. Anyone may ask at any time, and any number at once: each due moment makes one pull."""

from typing import Final

import structlog
from sqlalchemy import Engine

from shared.database.engine import plain_transaction

log = structlog.get_logger()

_MOST: Final = 100

# The source moves on in the transaction that inserts its pull. Moments that have passed meanwhile are not made up for,
# and the next one keeps its time of the day. While a pull of the source waits, it stands for the new one, too.
_PULL_DUE: Final = """
WITH due AS (
    SELECT id FROM sources WHERE next_run_at <= clock_timestamp()
    ORDER BY next_run_at LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
    UPDATE sources AS source
    SET next_run_at = next_run_at + make_interval(mins => every_minutes * (
        1 + floor(extract(epoch FROM clock_timestamp() - next_run_at) / (every_minutes * 60))::int))
    FROM due WHERE source.id = due.id
    RETURNING source.id, tenant, address, parameters, transport
)
INSERT INTO pulls (id, tenant, source, address, parameters, transport, trace_id)
SELECT gen_random_uuid(), tenant, id, address, parameters, transport, replace(gen_random_uuid()::text, '-', '')
FROM moved
ON CONFLICT (source) WHERE state = 'waiting' DO NOTHING
RETURNING id
"""


def pull_due(engine: Engine) -> int:
    """Make a pull of each source whose time has come; return how many. Raises errors of SQLAlchemy."""
    with plain_transaction(engine) as connection:
        made = len(connection.execute(_PULL_DUE, most=_MOST))
    if made:
        log.info("sources_due", pulls=made)
    return made
