"""The query by which KEDA scales the workers, as the user that the chart's README makes for it."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from shared.database.state_machine import ACTIVE_STATES, BatchState
from shared.ingest.loading.loader import Loader
from shared.messaging import Transport
from tests.conftest import Intake, execute
from tests.deploy.chart.rendered import CHART, VALUES, documents_of, of_kind
from tests.integration.ingest.test_loader import never
from tests.rows import movies

LARGE = movies(*[{"title": f"Film {row}", "overview": 150 * "."} for row in range(40)])
PASSWORD = "p3"


def trigger() -> dict[str, str]:
    """What the chart tells KEDA."""
    (found,) = of_kind(documents_of(VALUES["most"]), "ScaledObject")["worker"]["spec"]["triggers"]
    return dict(found["metadata"])


@pytest.fixture
def scaler(database_url: str) -> Iterator[str]:
    """The URL by which KEDA logs in, after the README's statements."""
    statements = re.findall(r"```sql\n(.*?)```", (CHART / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    execute(database_url, statements.replace("<password>", PASSWORD))
    user = trigger()["userName"]
    try:
        url = make_url(database_url).set(username=user, password=PASSWORD)
        yield url.render_as_string(hide_password=False)
    finally:
        execute(database_url, f"DROP OWNED BY {user}; DROP ROLE {user}")


def counted(url: str) -> int:
    """What the query says."""
    return int(answers(url, trigger()["query"])[0][0])


def answers(url: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def batches(database_url: str) -> int:
    """Pending batches, of any upload."""
    return int(answers(database_url, "SELECT count(*) FROM batches WHERE state = 'pending'")[0][0])


def test_it_counts_the_waiting_batches_of_all_tenants(
    scaler: str, database_url: str, intake: Intake, loader: Loader
) -> None:
    assert counted(scaler) == 0
    first = intake(LARGE, tenant="alpha")
    intake(LARGE, tenant="beta")
    waiting = batches(database_url)
    assert waiting > 10
    assert counted(scaler) == waiting
    loader.load(first, never)
    assert counted(scaler) == batches(database_url) == waiting / 2


def test_an_upload_that_is_only_to_be_published_counts_as_one(
    scaler: str, database_url: str, intake: Intake, loader: Loader
) -> None:
    upload = intake(LARGE)
    execute(database_url, "UPDATE batches SET state = 'done', done_at = now()")
    assert counted(scaler) == 1
    execute(database_url, "UPDATE batches SET state = 'pending', done_at = NULL")
    loader.load(upload, never)
    assert counted(scaler) == 0


def test_it_leaves_out_what_no_worker_loads(scaler: str, database_url: str, intake: Intake) -> None:
    intake(LARGE)
    execute(database_url, f"UPDATE uploads SET transport = '{Transport.BACKGROUND}'")
    assert counted(scaler) == 0
    assert batches(database_url) > 0


def test_it_names_the_states_of_the_state_machine() -> None:
    named = set(re.findall(r"'(\w+)'", trigger()["query"]))
    assert named == {*ACTIVE_STATES, BatchState.PENDING, Transport.CELERY}


def test_its_user_reads_nothing_else(scaler: str) -> None:
    for query in ("SELECT filename FROM uploads", "SELECT header FROM batches", "SELECT FROM movies"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            answers(scaler, query)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        answers(scaler, "UPDATE uploads SET state = 'failed' RETURNING number")


def test_indexes_answer_it(scaler: str, intake: Intake) -> None:
    intake(LARGE)
    plan = str(answers(f"{scaler}?options=-c%20enable_seqscan%3Doff", f"EXPLAIN {trigger()['query']}"))
    assert "ix_uploads_active" in plan
    assert "ix_batches_pending" in plan
