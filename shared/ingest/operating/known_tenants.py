"""Tenants, with what they have and what is decided about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from shared.database.queries.operation import tenants
from shared.ingest.operating.tenant_settings import Decided


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """`uploads`: how many are in which state. `rows`: how many are visible, of all datasets."""

    name: str
    uploads: Mapping[str, int]
    rows: int
    settings: Decided


def known_tenants(connection: Connection, most: int, offset: int) -> list[KnownTenant]:
    """So many by name, after `offset` of them: those with uploads, and those about which something is decided."""
    return [_known(row) for row in connection.execute(tenants.known_tenants_page(most, offset))]


def known_tenants_count(connection: Connection) -> int:
    """How many there are."""
    return connection.execute(tenants.known_tenants_count()).scalar_one()


def known_tenant(connection: Connection, name: str) -> KnownTenant:
    """One of any name; of one that nobody has used yet there is nothing."""
    return _known(connection.execute(tenants.known_tenant(name)).one())


def _known(row: Row[Any]) -> KnownTenant:
    decided = {name: getattr(row, name) for name in Decided.__dataclass_fields__}
    return KnownTenant(row.tenant, row.uploads, row.rows, Decided(**decided | {"is_paused": bool(row.is_paused)}))
