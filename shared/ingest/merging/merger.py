"""Merges until there is nothing to merge: in every API and every worker, in one of them at a time.

Loads come first: while an upload waits or loads, a merge rests where it is, and any process goes on with it later. Only
if a collection has very many leaves, merging goes on all the same, with pauses.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.catalog.registry import Registry
from shared.database import leases
from shared.database.engine import PlainSql, is_lock_trouble, plain_transaction
from shared.database.sqlstates import is_transient, sqlstate_of
from shared.errors import RecordCountsMismatch
from shared.failpoints import reach
from shared.ingest.merging import claims, control
from shared.ingest.merging.claims import Merge
from shared.ingest.merging.copying import CHUNK_ROWS, building_steps, copy_chunk, repair, require_all_rows
from shared.ingest.merging.policy import Policy
from shared.ingest.merging.swapping import Changed, swap
from shared.ingest.versions.leaves import build, count_leaves, is_loading

log = structlog.get_logger()

# A reader may hold the branch for long. Each attempt delays those who come later by 200 ms.
_SWAP_PAUSES_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Merging:
    """What a merge needs.

    `should_stop` says whether the process is about to end. With more than `urgent_leaves` in any
    collection, listings become so slow that merging is more urgent than loading; then it pauses between its steps.
    """

    engine: Engine
    registry: Registry
    lease_seconds: float
    policy: Policy = field(default_factory=Policy)
    should_stop: Callable[[], bool] = lambda: False
    chunk_rows: int = CHUNK_ROWS
    urgent_leaves: int = 64
    urgent_pause_seconds: float = 0.5

    def transaction(self) -> AbstractContextManager[PlainSql]:
        """A transaction on a connection of its own."""
        return plain_transaction(self.engine)


def merge_all(merging: Merging) -> None:
    """One round: go on with the merge that is under way, then begin others until none is worth it.

    Raises errors of SQLAlchemy, `LostLease` and `Unavailable`.
    """
    while True:
        merge = _next(merging)
        if merge is None:
            return
        try:
            with _kept(merging, merge):
                if not _carry_out(merging, merge):
                    return
        except RecordCountsMismatch as error:
            _give_up(merging, merge, error.message)
            return
        except DBAPIError as error:
            state = sqlstate_of(error)
            if is_transient(state):
                raise
            _give_up(merging, merge, f"the database refused the merge: SQLSTATE {state}")
            return
        finally:
            with suppress(SQLAlchemyError), merging.transaction() as connection:
                claims.release(connection, merge)


def _next(merging: Merging) -> Merge | None:
    with merging.transaction() as connection:
        if not _may_go_on(merging, connection):
            return None
        merge = claims.claim(connection, merging.registry, merging.lease_seconds)
        counts = {} if merge is not None else count_leaves(connection)
    for collection, count in counts.items():
        if count <= merging.policy.few_leaves:
            break
        with _passed_by_if_locked(), merging.transaction() as connection:
            merge = claims.begin(connection, merging.registry, merging.policy, merging.lease_seconds, collection)
        if merge is not None:
            reach("merge.begun")
            break
    return merge


def _may_go_on(merging: Merging, connection: PlainSql) -> bool:
    if merging.should_stop() or control.is_paused(connection):
        return False
    if not is_loading(connection):
        return True
    # Of any collection: the merge that is under way must end before another one can begin.
    leaves = max(count_leaves(connection).values(), default=0)
    if leaves <= merging.urgent_leaves:
        return False
    time.sleep(merging.urgent_pause_seconds)
    return True


def _carry_out(merging: Merging, merge: Merge) -> bool:
    """Do what is left of a merge; False if it must rest before it is done."""
    next_id = merge.next_id
    while next_id < merge.high:
        if not _passes(merging):
            return False
        with merging.transaction() as connection:
            next_id = copy_chunk(connection, merge, next_id, merging.chunk_rows)
            reach("merge.copied")
            claims.advance(connection, merge, next_id)
        reach("merge.advanced")
    for step in building_steps(merge):
        if not _passes(merging):
            return False
        with merging.transaction() as connection:
            build(connection, step)
    reach("merge.built")
    with merging.transaction() as connection:
        require_all_rows(connection, merge)
    return _swap(merging, merge)


def _passes(merging: Merging) -> bool:
    with merging.transaction() as connection:
        return _may_go_on(merging, connection)


def _swap(merging: Merging, merge: Merge) -> bool:
    """Swap, as soon as no upload has changed in the meantime and no reader is in the way; False if that takes long."""
    for pause in _SWAP_PAUSES_SECONDS:
        try:
            with merging.transaction() as connection:
                swap(connection, merge)
        except Changed as changed:
            _repair(merging, merge, changed.uploads)
        except DBAPIError as error:
            if not is_lock_trouble(error):
                raise
            time.sleep(pause)
        else:
            reach("merge.committed")
            return True
    return False


def _repair(merging: Merging, merge: Merge, uploads: list[int]) -> None:
    for upload in uploads:
        with merging.transaction() as connection:
            repair(connection, merge, upload)
            claims.advance(connection, merge, merge.high)
        reach("merge.repaired")
    log.info("merge_repaired", merge=merge.number, uploads=len(uploads))


def _give_up(merging: Merging, merge: Merge, reason: str) -> None:
    """Keep the sources, drop what was copied, and wait for a person: another attempt would end in the same way."""
    log.error("merge_given_up", merge=merge.number, reason=reason)
    with merging.transaction() as connection:
        claims.abandon(connection, merge)
        control.pause(connection, reason)


def _kept(merging: Merging, merge: Merge) -> AbstractContextManager[None]:
    """Keep the lease while the block runs: building an index takes longer than a lease."""

    def renew() -> None:
        with suppress(SQLAlchemyError), merging.transaction() as connection:
            claims.renew(connection, merge, merging.lease_seconds)

    return leases.kept(merging.lease_seconds, renew)


@contextmanager
def _passed_by_if_locked() -> Iterator[None]:
    """Nothing happens in the block if another transaction holds a lock for long."""
    try:
        yield
    except DBAPIError as error:
        if not is_lock_trouble(error):
            raise
