"""Fair scheduling: a tenant with many notifications waits as long as a tenant with one."""

import uuid
from collections import deque
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from shared.database.loader_connection import LoaderConnection
from shared.ingest.loading.loader import Loader
from shared.ingest.loading.scheduling import next_upload
from shared.ingest.work import claim_batch
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.test_loader import SMALL, begun, never, rows
from tests.integration.ingest.test_promises import change
from tests.integration.ingest.test_promises import connection as connection  # noqa: PLC0414  a fixture
from tests.rows import movies

# They are about our own logic and not about a version of PostgreSQL.
pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)
ATTEMPTS = 3
# A large upload of a few batches.
LONG = movies(*({"title": f"Film {row}"} for row in range(40)))


def ended(engine: Engine) -> list[str]:
    return [
        tenant
        for (tenant,) in rows(engine, "SELECT tenant FROM uploads WHERE state = 'completed' ORDER BY finished_at")
    ]


def after_a_batch(engine: Engine) -> Callable[[], bool]:
    """Stop as soon as one more batch is done."""

    def done() -> int:
        return int(rows(engine, "SELECT count(*) FROM batches WHERE state = 'done'")[0][0])

    before = done()
    return lambda: done() > before


@pytest.mark.parametrize("content", [SMALL, LONG], ids=["small", "large"])
def test_a_tenant_that_comes_last_with_one_upload_is_not_served_last(
    engine: Engine, loader: Loader, intake: Intake, content: bytes
) -> None:
    notifiers = deque(intake(content, tenant=tenant) for tenant in ("many",) * 4 + ("few", "one"))
    while notifiers:
        if loader.answer(notifiers[0], after_a_batch(engine)):
            notifiers.append(notifiers[0])
        notifiers.popleft()
    order = ended(engine)
    assert sorted(order) == ["few"] + ["many"] * 4 + ["one"]
    assert order[-2:] == ["many"] * 2


def test_the_order_of_the_notifications_holds_within_a_tenant(loader: Loader, intake: Intake, engine: Engine) -> None:
    uploads = [intake(SMALL) for _ in range(3)]
    for upload_id in reversed(uploads):
        assert loader.answer(upload_id, never) is False
    found = rows(engine, "SELECT id FROM uploads ORDER BY finished_at")
    assert [upload_id for (upload_id,) in found] == uploads[::-1]


def test_only_a_tenant_with_a_batch_to_claim_is_served(
    engine: Engine, connection: LoaderConnection, intake: Intake
) -> None:
    mine, other = intake(SMALL, tenant="mine"), intake(SMALL, tenant="other")

    def next_served() -> uuid.UUID | None:
        change(engine, "DELETE FROM tenant_schedule")
        change(engine, "INSERT INTO tenant_schedule VALUES ('mine', now())")  # the other tenant comes first, if it can
        return next_upload(connection, mine, ATTEMPTS)

    assert next_served() == other
    change(engine, "UPDATE uploads SET transport = 'background' WHERE tenant = 'other'")  # of other loaders
    assert next_served() == mine
    change(engine, "UPDATE uploads SET transport = 'celery'")
    change(engine, f"UPDATE batches SET attempts = {ATTEMPTS}")  # the sweep will fail it
    assert next_served() == mine
    change(engine, "UPDATE batches SET attempts = 0")
    work = begun(connection, other)
    assert next_served() == other
    assert claim_batch(connection, work, 60, ATTEMPTS) is not None
    assert next_served() == mine
    change(engine, "UPDATE batches SET lease_until = now() - interval '1 second'")
    assert next_served() == other
    change(engine, "UPDATE uploads SET state = 'cancelled' WHERE tenant = 'mine'")
    assert next_served() is None


def test_a_notification_that_served_another_tenant_is_sent_again(
    loader: Loader, intake: Intake, engine: Engine
) -> None:
    mine, other = intake(SMALL, tenant="mine"), intake(SMALL, tenant="other")
    change(engine, "INSERT INTO tenant_schedule VALUES ('mine', now())")
    assert loader.answer(mine, never) is True
    assert ended(engine) == ["other"]
    assert loader.answer(other, never) is False  # its notification comes later, and finds nothing
    assert loader.answer(mine, never) is False
    assert ended(engine) == ["other", "mine"]


def test_a_notification_waits_if_the_upload_that_was_served_cannot_be_loaded_now(
    loader: Loader, intake: Intake, engine: Engine, settings: Settings
) -> None:
    mine = intake(SMALL, tenant="mine")
    before = set(settings.data_dir.rglob("*"))
    intake(SMALL, tenant="other")
    change(engine, "INSERT INTO tenant_schedule VALUES ('mine', now())")
    (stored,) = (path for path in set(settings.data_dir.rglob("*")) - before if path.is_file())
    stored.unlink()
    stored.mkdir()  # it cannot be read, but it is there
    assert loader.answer(mine, never) is False  # sent again at once, it would lead to the same upload, and again
    assert ended(engine) == []
