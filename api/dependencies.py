"""Dependencies that routes declare as parameters: the runtime, the tenant, the request limit."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request

from api.client import client_of
from api.description.suggestions import unknown_name
from api.http_errors import TenantConflict, TenantForbidden
from api.runtime import Runtime
from shared.database.models import TENANT_NAME

DEFAULT_TENANT: Final = "public"
_TENANT_PATTERN: Final = f"^{TENANT_NAME}$"
_TENANT_FORM: Final = "A name has up to 63 small letters, digits, - and _, and begins with a letter or a digit."


@dataclass(frozen=True)
class Tenant:
    """The tenant that the request is about."""

    name: str
    is_in_query: bool

    def address(self, path: str) -> str:
        """`path` for the same tenant: a tenant from the query is added, a header comes with each request anyway."""
        return f"{path}?tenant={self.name}" if self.is_in_query else path


def runtime_of(request: Request) -> Runtime:
    """The runtime that the lifespan opened."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def tenant_of(
    request: Request,
    x_tenant: Annotated[
        str | None,
        Header(
            pattern=_TENANT_PATTERN,
            description=f"One of the key's tenants, by default its first one; without keys `{DEFAULT_TENANT}`."
            f" {_TENANT_FORM}",
        ),
    ] = None,
    tenant: Annotated[
        str | None,
        Query(pattern=_TENANT_PATTERN, description=f"The same as the header X-Tenant. {_TENANT_FORM}"),
    ] = None,
) -> Tenant:
    """The tenant that the request names, or the default.

    With a key, a client can only choose among the key's tenants. Raises `TenantConflict` if header and query differ,
    `TenantForbidden`, which names the key's tenants, for any other tenant.
    """
    if x_tenant is not None and tenant is not None and x_tenant != tenant:
        raise TenantConflict("The header X-Tenant and the parameter tenant name different tenants; send one of them.")
    client = client_of(request)
    tenants = (tenant or x_tenant or DEFAULT_TENANT,) if client is None else client.tenants
    name = tenant or x_tenant or tenants[0]
    if name not in tenants:
        raise unknown_name(TenantForbidden, "This key is not valid for the tenant", name, tenants)
    return Tenant(name, is_in_query=tenant is not None)


async def limit_requests(request: Request, tenant: "TenantDep") -> None:
    """Count the request for its tenant if keys are required; raises `LimitReached`."""
    if client_of(request) is not None:
        limits = runtime_of(request).limits
        await limits.count(await limits.requests_of_tenant(tenant.name))


RuntimeDep = Annotated[Runtime, Depends(runtime_of)]
TenantDep = Annotated[Tenant, Depends(tenant_of)]
