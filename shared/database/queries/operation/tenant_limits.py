"""What an operator has decided about a tenant's limits."""

from sqlalchemy import Select, select

from shared.database.models import TenantSettings
from shared.database.timing.statement_names import named


@named
def tenant_limits(tenant: str) -> Select[int | None, int | None, int | None]:
    """`requests_per_minute`, `upload_bytes_per_day` and `concurrent_uploads`; no row if nothing is decided."""
    decided = TenantSettings
    return select(decided.requests_per_minute, decided.upload_bytes_per_day, decided.concurrent_uploads).where(
        decided.tenant == tenant
    )
