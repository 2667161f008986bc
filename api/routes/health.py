"""Health: the process, the database, the broker; each is really asked."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.dependencies import RuntimeDep
from api.description.openapi import problems
from api.description.problems import problem_of
from api.description.schemas import DatabaseHealth, Health, Pong, ServiceHealth
from api.limits.counters import Counters
from shared.database.queries.health import anything, schema_revision
from shared.database.tenancy import nobodys_reading
from shared.errors import Unavailable

router = APIRouter(tags=["health"])
log = structlog.get_logger()

_LIMIT_SECONDS: Final = 2.0


@router.get("/api/v1/ping", responses=problems(), summary="Does the API's process answer?")
async def ping() -> Pong:
    """Touches neither database nor broker."""
    return Pong()


@router.get("/healthz", response_model=Health, responses=problems(503), summary="Do database and broker answer?")
@router.get("/api/v1/healthz", response_model=Health, responses=problems(503), summary="Do database and broker answer?")
async def healthz(request: Request, runtime: RuntimeDep) -> Health | Response:
    """Both are asked at the same time, within two seconds; 503 says which one does not answer."""
    database, broker = await asyncio.gather(
        _asked("database", _database_backend(runtime.read_engine)),
        _asked("broker", _broker_backend(runtime.counters)),
    )
    found = {"database": database, "broker": broker}
    if silent := [name for name, service in found.items() if service.status != "ok"]:
        return _unavailable(request, silent, found)
    return Health(database=database, broker=broker)


@router.get(
    "/api/v1/health/db", response_model=DatabaseHealth, responses=problems(503), summary="Does the database answer?"
)
async def database_health(request: Request, runtime: RuntimeDep) -> DatabaseHealth | Response:
    """The database only, with the revision of its schema."""
    database = await _asked("database", _database_backend(runtime.read_engine))
    if database.status != "ok":
        return _unavailable(request, ["database"], {"database": database})
    return DatabaseHealth(database=database, revision=await _revision(runtime.read_engine))


async def _asked(name: str, answer: Awaitable[str]) -> ServiceHealth:
    started = time.perf_counter()
    backend: str | None = None
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            backend = await answer
    except Exception as error:  # noqa: BLE001  whatever it is: the service did not answer; the text may hold addresses
        log.warning("service_unavailable", service=name, error=type(error).__name__)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return ServiceHealth(status="ok" if backend else "unavailable", backend=backend, milliseconds=milliseconds)


# Names without versions: whoever may ask for health need not learn which weaknesses to look for.
async def _database_backend(engine: AsyncEngine) -> str:
    async with nobodys_reading(engine) as connection:
        await connection.execute(anything())
    return "postgresql"


async def _broker_backend(counters: Counters) -> str:
    await counters.redis.ping()
    return "redis"


async def _revision(engine: AsyncEngine) -> str | None:
    async with nobodys_reading(engine) as connection:
        try:
            revision: str | None = (await connection.execute(schema_revision())).scalar_one_or_none()
        except DBAPIError:
            return None
    return revision


def _unavailable(request: Request, silent: list[str], found: dict[str, ServiceHealth]) -> Response:
    error = Unavailable(f"No answer from: {', '.join(silent)}.")
    return problem_of(request, error, {name: service.model_dump() for name, service in found.items()})
