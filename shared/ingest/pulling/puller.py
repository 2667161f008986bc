"""Pulls what is due and what waits: each pull is fetched by the side, API or worker, that is to load it."""

from collections.abc import Collection

from shared.database.engine import plain_transaction
from shared.ingest.pulling.claims import claim
from shared.ingest.pulling.pulling import Pulling
from shared.ingest.pulling.schedule import pull_due
from shared.messaging import Transport


def pull_all(pulling: Pulling, transports: Collection[Transport]) -> None:
    """Look which sources are due, and carry out pulls of these transports until none waits or the process ends.

    Raises errors of SQLAlchemy.
    """
    pull_due(pulling.engine)
    while not pulling.should_stop() and _pull_next(pulling, transports):
        pass


def _pull_next(pulling: Pulling, transports: Collection[Transport]) -> bool:
    """Carry out one pull; False if none waits."""
    with plain_transaction(pulling.engine) as connection:
        pull = claim(connection, transports, pulling.settings.lease_seconds)
    if pull is not None:
        pulling.carry_out(pull)
    return pull is not None
