"""Turns: whoever rings often waits as long as whoever rings once."""

import uuid
from collections import deque
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from shared.database.loader_connection import LoaderConnection
from shared.ingest.loading.loader import Loader
from shared.ingest.loading.scheduling import next_upload
from shared.ingest.work import begin, claim_batch
from tests.conftest import Intake
from tests.integration.ingest.test_loader import LARGE, SMALL, never, rows
from tests.integration.ingest.test_promises import change
from tests.integration.ingest.test_promises import connection as connection  # noqa: PLC0414  a fixture

# It is our own logic and not a version of PostgreSQL.
pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)
ATTEMPTS = 3


def ended(engine: Engine) -> list[str]:
    return [
        tenant
        for (tenant,) in rows(engine, "SELECT tenant FROM uploads WHERE state = 'completed' ORDER BY finished_at")
    ]


def after_a_batch(engine: Engine) -> Callable[[], bool]:
    """A turn that ends as soon as one batch is done."""

    def done() -> int:
        return int(rows(engine, "SELECT count(*) FROM batches WHERE state = 'done'")[0][0])

    before = done()
    return lambda: done() > before


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_who_comes_last_with_one_is_not_last(engine: Engine, loader: Loader, intake: Intake, content: bytes) -> None:
    notifiers = deque(intake(content, tenant=tenant) for tenant in ("many",) * 4 + ("few", "one"))
    while notifiers:
        if loader.answer(notifiers[0], after_a_batch(engine)):
            notifiers.append(notifiers[0])
        notifiers.popleft()
    order = ended(engine)
    assert sorted(order) == ["few"] + ["many"] * 4 + ["one"]
    assert order[-2:] == ["many"] * 2


def test_the_order_of_the_notifications_stands_within_a_tenant(loader: Loader, intake: Intake, engine: Engine) -> None:
    uploads = [intake(SMALL) for _ in range(3)]
    for upload_id in reversed(uploads):
        assert loader.answer(upload_id, never) is False
    found = rows(engine, "SELECT id FROM uploads ORDER BY finished_at")
    assert [upload_id for (upload_id,) in found] == uploads[::-1]


def test_a_schedule_goes_only_where_there_is_something_to_do(
    engine: Engine, connection: LoaderConnection, intake: Intake
) -> None:
    mine, other = intake(SMALL, tenant="mine"), intake(SMALL, tenant="other")

    def next_served() -> uuid.UUID | None:
        change(engine, "DELETE FROM tenant_schedule")
        change(engine, "INSERT INTO tenant_schedule VALUES ('mine', now())")  # the other's turn, wherever possible
        return next_upload(connection, mine, ATTEMPTS)

    assert next_served() == other
    change(engine, "UPDATE uploads SET use_celery = false WHERE tenant = 'other'")  # other loaders'
    assert next_served() == mine
    change(engine, "UPDATE uploads SET use_celery = true")
    change(engine, f"UPDATE batches SET attempts = {ATTEMPTS}")  # the sweep will fail it
    assert next_served() == mine
    change(engine, "UPDATE batches SET attempts = 0")
    work = begin(connection, other)
    assert work is not None
    assert next_served() == other
    assert claim_batch(connection, work, 60, ATTEMPTS) is not None
    assert next_served() == mine
    change(engine, "UPDATE batches SET lease_until = now() - interval '1 second'")
    assert next_served() == other
    change(engine, "UPDATE uploads SET state = 'cancelled' WHERE tenant = 'mine'")
    assert next_served() is None


def test_a_schedule_that_another_had_is_given_back(loader: Loader, intake: Intake, engine: Engine) -> None:
    mine, other = intake(SMALL, tenant="mine"), intake(SMALL, tenant="other")
    change(engine, "INSERT INTO tenant_schedule VALUES ('mine', now())")
    assert loader.answer(mine, never) is True
    assert ended(engine) == ["other"]
    assert loader.answer(other, never) is False  # its bell comes later, and finds nothing
    assert loader.answer(mine, never) is False
    assert ended(engine) == ["other", "mine"]
