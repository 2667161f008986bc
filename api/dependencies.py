"""What routes ask for by their parameters."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request

from api.errors import TenantConflict
from api.runtime import Runtime

DEFAULT_TENANT: Final = "public"
_TENANT_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"


@dataclass(frozen=True)
class Tenant:
    """Whose data the request is about."""

    name: str
    is_in_query: bool

    def address(self, path: str) -> str:
        """`path` for the same tenant: what the query said must be said again, a header goes with every request."""
        return f"{path}?tenant={self.name}" if self.is_in_query else path


def runtime_of(request: Request) -> Runtime:
    """What the lifespan opened."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def tenant_of(
    x_tenant: Annotated[
        str | None, Header(pattern=_TENANT_PATTERN, description=f"Whose data; default `{DEFAULT_TENANT}`.")
    ] = None,
    tenant: Annotated[
        str | None, Query(pattern=_TENANT_PATTERN, description="The same as the header X-Tenant.")
    ] = None,
) -> Tenant:
    """The tenant of the header or of the query; raises `TenantConflict` if they differ."""
    if x_tenant is not None and tenant is not None and x_tenant != tenant:
        raise TenantConflict("The header X-Tenant and the parameter tenant name different tenants; send one of them.")
    return Tenant(tenant or x_tenant or DEFAULT_TENANT, is_in_query=tenant is not None)


RuntimeDep = Annotated[Runtime, Depends(runtime_of)]
TenantDep = Annotated[Tenant, Depends(tenant_of)]
