"""Health checks of the process, the database and the broker; each check sends a real request."""

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
from api.description.schemas.service import DatabaseHealth, Health, Pong, ServiceHealth
from api.limits.counters import Counters
from shared.database import lock_table
from shared.database.queries.health import anything, locks_setting, schema_revision
from shared.database.tenancy import tenantless_reading
from shared.errors import Unavailable

router = APIRouter(tags=["health"])
log = structlog.get_logger()

_LIMIT_SECONDS: Final = 2.0


@router.get("/api/v1/ping", responses=problems(), summary="Check whether the API answers")
async def ping() -> Pong:
    """Uses neither the database nor the broker."""
    return Pong()


@router.get("/healthz", response_model=Health, responses=problems(503), summary="Check database and broker")
@router.get("/api/v1/healthz", response_model=Health, responses=problems(503), summary="Check database and broker")
async def healthz(request: Request, runtime: RuntimeDep) -> Health | Response:
    """Both are checked at the same time, within two seconds. An answer of 503 names the one that does not answer."""
    database, broker = await asyncio.gather(
        _check("database", _database_backend(runtime.read_engine)),
        _check("broker", _broker_backend(runtime.counters)),
    )
    found = {"database": database, "broker": broker}
    if silent := [name for name, service in found.items() if service.status != "ok"]:
        return _unavailable(request, silent, found)
    return Health(database=database, broker=broker, warnings=await _warnings(runtime.read_engine))


@router.get("/api/v1/health/db", response_model=DatabaseHealth, responses=problems(503), summary="Check the database")
async def database_health(request: Request, runtime: RuntimeDep) -> DatabaseHealth | Response:
    """Only the database, with the revision of its schema."""
    database = await _check("database", _database_backend(runtime.read_engine))
    if database.status != "ok":
        return _unavailable(request, ["database"], {"database": database})
    revision, warnings = await _revision(runtime.read_engine), await _warnings(runtime.read_engine)
    return DatabaseHealth(database=database, revision=revision, warnings=warnings)


async def _check(name: str, answer: Awaitable[str]) -> ServiceHealth:
    started = time.perf_counter()
    backend: str | None = None
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            backend = await answer
    except Exception as error:  # noqa: BLE001  any error means no answer; its text may contain addresses
        log.warning("service_unavailable", service=name, error=type(error).__name__)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return ServiceHealth(status="ok" if backend else "unavailable", backend=backend, milliseconds=milliseconds)


# Names without versions: health checks need no key, and a version would tell an attacker which weaknesses to try.
async def _database_backend(engine: AsyncEngine) -> str:
    async with tenantless_reading(engine) as connection:
        await connection.execute(anything())
    return "postgresql"


async def _broker_backend(counters: Counters) -> str:
    await counters.redis.ping()
    return "redis"


async def _revision(engine: AsyncEngine) -> str | None:
    async with tenantless_reading(engine) as connection:
        try:
            revision: str | None = (await connection.execute(schema_revision())).scalar_one_or_none()
        except DBAPIError:
            return None
    return revision


async def _warnings(engine: AsyncEngine) -> list[str]:
    """What works and should be changed all the same."""
    async with tenantless_reading(engine) as connection:
        warning = lock_table.warning_of((await connection.execute(locks_setting())).scalar_one())
    return [] if warning is None else [warning]


def _unavailable(request: Request, silent: list[str], found: dict[str, ServiceHealth]) -> Response:
    error = Unavailable(f"No answer from: {', '.join(silent)}.")
    return problem_of(request, error, {name: service.model_dump() for name, service in found.items()})
