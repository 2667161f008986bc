"""What is told of the statements of a request: names, times, errors, and the plans of slow ones without any value."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import create_read_engine, create_request_engine
from shared.database.queries.browsing.people import PeopleListing, kept_people
from shared.database.queries.health import anything
from shared.database.queries.movies import source_of
from shared.database.queries.search import titles
from shared.database.queries.search.matching import Query
from shared.database.queries.versions import VERSIONS
from shared.database.tenancy import tenant_reading, tenant_transaction
from shared.database.timing.query_times import RequestQueries, SentStatement, measuring
from shared.database.timing.slow_queries import SlowQueries
from shared.database.timing.statement_names import planner_setting
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import never
from tests.rows import file_of

SECRET = "canary5f0c"
SETTING = planner_setting("SET LOCAL enable_seqscan = off")
Line = dict[str, Any]
Asking = Callable[[AsyncEngine], Awaitable[object]]


class Request:
    """Keeps what one request sends."""

    def __init__(self) -> None:
        self.sent: list[SentStatement] = []
        self.queries = RequestQueries(lambda: "/films", lambda sent, _route: self.sent.append(sent))

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.sent]


@pytest.fixture
def request_engine(settings: Settings) -> Iterator[Engine]:
    engine = create_request_engine(settings)
    yield engine
    engine.dispose()


def reading(settings: Settings, asking: Asking, request: Request) -> None:
    async def run() -> None:
        engine = create_read_engine(settings)
        try:
            async with tenant_reading(engine, "public") as connection:
                await connection.execute(anything())
            with measuring(request.queries):
                await asking(engine)
        finally:
            await engine.dispose()

    asyncio.run(run())


async def send_some(engine: AsyncEngine) -> None:
    async with tenant_reading(engine, "public") as connection:
        await connection.execute(anything())
        await connection.execute(text("SELECT 1 UNION SELECT 2"))


def test_a_statement_is_named_after_what_makes_it_or_else_after_what_sends_it(
    settings: Settings, request_engine: Engine, engine: Engine, intake: Intake, loader: Loader
) -> None:
    request = Request()
    reading(settings, send_some, request)
    assert request.names[:2] == ["database.tenancy.tenant_reading", "health.anything"]
    assert request.sent[2].rows == 2
    assert request.queries.count == 3
    assert request.queries.milliseconds == sum(each.milliseconds for each in request.sent) > 0
    upload = intake(file_of("title.basics", {}), "title.basics.tsv")
    loader.load(upload, never)
    in_thread = Request()
    with measuring(in_thread.queries):
        with tenant_transaction(request_engine, "public") as connection:
            connection.execute(anything())
        undo(engine, REGISTRY, upload, "public")
    assert in_thread.names[:2] == ["database.tenancy.tenant_transaction", "health.anything"]
    assert any(name.startswith("database.state_machine.") for name in in_thread.names)
    assert "unknown" not in in_thread.names


def test_what_no_request_sends_is_not_measured(engine: Engine) -> None:
    request = Request()
    with measuring(request.queries), engine.connect() as connection:
        connection.execute(anything())
    with engine.connect() as connection:
        connection.execute(anything())
    assert request.names == ["health.anything"]


def test_a_statement_that_fails_is_measured_with_its_state(settings: Settings, engine: Engine) -> None:
    async def wait(engine: AsyncEngine) -> None:
        async with tenant_reading(engine, "public") as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 50"))
            with pytest.raises(DBAPIError):
                await connection.execute(text("SELECT pg_sleep(5)"))

    async def leave(engine: AsyncEngine) -> None:
        with pytest.raises(TimeoutError):
            async with tenant_reading(engine, "public") as connection, asyncio.timeout(0.05):
                await connection.execute(text("SELECT pg_sleep(5)"))

    for asking, error in ((wait, "57014"), (leave, "CancelledError")):
        request = Request()
        reading(settings, asking, request)
        assert request.sent[-1].error == error
        assert request.sent[-1].milliseconds >= 40
    request = Request()
    with measuring(request.queries), pytest.raises(DBAPIError), engine.connect() as connection:
        connection.execute(text("SELECT 1/0"))
    assert [each.error for each in request.sent] == ["22012"]


def test_a_name_costs_no_second_compilation(engine: Engine) -> None:
    hits: list[str] = []

    def note(*arguments: Any) -> None:
        context: ExecutionContext = arguments[4]
        hits.append(context.cache_hit.name)  # type: ignore[attr-defined]

    with engine.connect() as connection:
        event.listen(connection, "after_cursor_execute", note)
        for number in range(3):
            connection.execute(source_of(number, "public"))
    assert hits == ["CACHE_MISS", "CACHE_HIT", "CACHE_HIT"]


# -- slow ones


@pytest.fixture
def films(intake: Intake, loader: Loader) -> None:
    loader.load(intake(file_of("title.basics", {"primaryTitle": SECRET}), "title.basics.tsv"), never)


def told(settings: Settings, sent: list[SentStatement], least_milliseconds: int, expected: int) -> list[Line]:
    """The lines about these statements, once there are so many."""

    async def run() -> None:
        engine = create_read_engine(settings)
        slow = SlowQueries(least_milliseconds, engine)
        try:
            for each in sent:
                await asyncio.to_thread(slow.consider, each, lambda: "/films")
            async with asyncio.timeout(10):
                while len(lines) < expected:  # noqa: ASYNC110  whoever writes lines tells nobody
                    await asyncio.sleep(0.01)
        finally:
            await slow.aclose()
            await engine.dispose()

    with structlog.testing.capture_logs() as lines:
        asyncio.run(run())
    return [dict(line) for line in lines]


def planned(settings: Settings, sent: list[SentStatement]) -> list[Line]:
    """The lines about these statements, if each of them is slow."""
    return told(settings, [each._replace(milliseconds=1000.0) for each in sent], 1000, len(sent))


async def search(engine: AsyncEngine) -> None:
    async with tenant_reading(engine, "public") as connection:
        await connection.execute(SETTING)
        given = {"tenant": "public", "query": Query(SECRET).text_query()}
        await connection.execute(titles.with_words(()), given)
        await connection.execute(kept_people(PeopleListing("public", birth_year=1999)))
        await connection.execute(VERSIONS, {"tenant": "public", "dataset": SECRET})


@pytest.mark.usefixtures("films")
def test_a_plan_names_nodes_tables_and_indexes_and_no_value(settings: Settings) -> None:
    request = Request()
    reading(settings, search, request)
    lines = planned(settings, request.sent[2:])
    assert [line["statement"] for line in lines] == [
        "search.titles.with_words",
        "browsing.people.kept_people",
        "versions.versions",
    ]
    for line in lines:
        assert (line["event"], line["route"], line["log_level"]) == ("slow_query", "/films", "warning")
        assert all(
            re.fullmatch(r" *[A-Z][A-Za-z ]+( on \w+)?( using \w+)?( \(\w+ join\))? rows=\d+ cost=\d+", node)
            for node in line["query_plan"]
        ), line
    # as it was planned in its transaction: without the setting, a table of one row is read from end to end
    found = "".join(lines[0]["query_plan"])
    assert re.search(r"on movies_c\d+|using movies_c\d+_words", found)
    assert "Seq Scan" not in found
    assert SECRET not in repr(lines)


@pytest.mark.usefixtures("films")
def test_what_was_written_is_planned_as_well_and_not_run_again(
    settings: Settings, request_engine: Engine, engine: Engine
) -> None:
    request = Request()
    changing = text("UPDATE uploads SET filename = filename || :more WHERE number = 1")
    with measuring(request.queries):
        with tenant_transaction(request_engine, "public") as connection:
            connection.execute(text("SELECT number FROM uploads WHERE filename LIKE '%' || :part"), {"part": SECRET})
        with engine.begin() as connection:
            connection.execute(changing, {"more": SECRET})
            connection.execute(text("LOCK TABLE uploads IN SHARE MODE"))
    sent = [each._replace(name=str(number)) for number, each in enumerate(request.sent)]
    lines = {line["statement"]: line for line in planned(settings, sent[1:])}
    assert re.match(r"(Seq|Index) Scan on uploads ", lines["1"]["query_plan"][0])
    assert lines["2"]["query_plan"][0].startswith("ModifyTable on uploads ")
    assert "query_plan" not in lines["3"]
    assert SECRET not in repr(lines)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT filename FROM uploads")) == f"title.basics.tsv{SECRET}"


def test_a_plan_is_asked_for_once_a_minute_for_each_name(settings: Settings) -> None:
    request = Request()
    reading(settings, send_some, request)
    [one] = [each for each in request.sent if each.name == "health.anything"]
    lines = planned(settings, [one, one, one._replace(name="another")])
    assert sorted(("query_plan" in line, line["statement"]) for line in lines) == [
        (False, "health.anything"),
        (True, "another"),
        (True, "health.anything"),
    ]


def test_a_line_comes_without_a_plan_if_there_is_none(settings: Settings) -> None:
    request = Request()
    reading(settings, send_some, request)
    [one] = [each for each in request.sent if each.name == "health.anything"]
    assert one.origin is not None
    gone = one._replace(origin=one.origin._replace(sql="SELECT * FROM gone"))
    good = one._replace(name="another")
    failed, line = planned(settings, [gone, good])
    assert failed["plan_error"] == "ProgrammingError"
    assert line["query_plan"]


@pytest.mark.parametrize(("least_milliseconds", "expected"), [(0, []), (10, ["b", "c"]), (11, ["c"])])
def test_only_slow_statements_are_told(settings: Settings, least_milliseconds: int, expected: list[str]) -> None:
    times = {"a": 9.9, "b": 10.0, "c": 5000.0}
    sent = [SentStatement(name, milliseconds, None, None, None) for name, milliseconds in times.items()]
    lines = told(settings, sent, least_milliseconds, len(expected))
    assert [line["statement"] for line in lines] == expected
