"""The limits of each tenant: those of the settings, unless an operator has decided otherwise."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.queries.operation.tenant_limits import tenant_limits
from shared.database.tenancy import tenant_reading
from shared.settings import Settings

# What an operator decides holds after so long, in every process.
KEPT_SECONDS: Final = 5.0
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """Of all keys of a tenant together; 0 is no limit."""

    requests_per_minute: int
    upload_bytes_per_day: int
    concurrent_uploads: int


class DecidedLimits:
    """Asks the database, at most every few seconds for each tenant. Async."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        self._usual = TenantLimits(
            settings.tenant_requests_per_minute,
            settings.tenant_upload_bytes_per_day,
            settings.tenant_concurrent_uploads,
        )
        self._engine = engine
        self._kept: dict[str, tuple[float, TenantLimits]] = {}

    async def of(self, tenant: str) -> TenantLimits:
        """The limits of one tenant; raises errors of the database."""
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(tenant)
        if kept is not None and now < kept[0]:
            return kept[1]
        async with tenant_reading(self._engine, tenant) as connection:
            row = (await connection.execute(tenant_limits(tenant))).one_or_none()
        limits = self._usual if row is None else self._with(*row)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[tenant] = now + KEPT_SECONDS, limits
        return limits

    def _with(self, requests: int | None, upload_bytes: int | None, uploads: int | None) -> TenantLimits:
        usual = self._usual
        return TenantLimits(
            usual.requests_per_minute if requests is None else requests,
            usual.upload_bytes_per_day if upload_bytes is None else upload_bytes,
            usual.concurrent_uploads if uploads is None else uploads,
        )
