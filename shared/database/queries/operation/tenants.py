"""Tenants as operators see them: those that have uploads, and those about which something is decided."""

from typing import Any

from sqlalchemy import BigInteger, FromClause, Select, cast, func, literal, select, union
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.models import ROWS, CollectionTotal, TenantSettings, Upload
from shared.database.timing.statement_names import named


@named
def known_tenants_count() -> Select[int]:
    """How many there are."""
    return select(func.count()).select_from(_names())


@named
def known_tenants_page(limit: int, offset: int) -> Select[Any]:
    """Some of them by name, with what `known_tenant` says of each."""
    names = _names()
    page = select(names.c.tenant).order_by(names.c.tenant).limit(limit).offset(offset)
    return _described(page.subquery("page"))


@named
def known_tenant(name: str) -> Select[Any]:
    """One row, also if nothing is known of it.

    `uploads` (an object: how many are in which state), `rows` (visible, of all datasets), `tenant`, and the other
    columns of `TenantSettings`, which are null if nothing is decided.
    """
    return _described(select(literal(name).label("tenant")).subquery("page"))


def _described(page: FromClause) -> Select[Any]:
    mine = Upload.tenant == page.c.tenant
    counted = select(Upload.state, func.count().label("uploads")).where(mine).group_by(Upload.state).correlate(page)
    states = counted.subquery("states")
    uploads = select(func.jsonb_object_agg(states.c.state, states.c.uploads)).select_from(states)
    rows = select(func.sum(CollectionTotal.row_count)).where(
        CollectionTotal.tenant == page.c.tenant, CollectionTotal.breakdown == ROWS
    )
    decided = [column for column in TenantSettings.__table__.columns if column.name != "tenant"]
    return (
        select(
            func.coalesce(uploads.correlate(page).scalar_subquery(), cast({}, JSONB)).label("uploads"),
            cast(func.coalesce(rows.correlate(page).scalar_subquery(), 0), BigInteger).label("rows"),
            page.c.tenant,
            *decided,
        )
        .select_from(page)
        .outerjoin(TenantSettings, TenantSettings.tenant == page.c.tenant)
        .order_by(page.c.tenant)
    )


def _names() -> FromClause:
    """All of them. Each step finds the next name in an index, so it takes as many steps as there are names."""
    found = select(func.min(Upload.tenant).label("tenant")).cte("found", recursive=True)
    following = select(func.min(Upload.tenant)).where(Upload.tenant > found.c.tenant).scalar_subquery()
    found = found.union_all(select(following).where(found.c.tenant.is_not(None)))
    with_uploads = select(found.c.tenant).where(found.c.tenant.is_not(None))
    return union(with_uploads, select(TenantSettings.tenant)).subquery("names")
