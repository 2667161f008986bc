"""Tenants: the owners of uploads."""

from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from shared.catalog.tables.movies import TABLE
from shared.database.models import CollectionTotal, Upload


def tenants(name: str | None = None) -> Select[Any]:
    """Rows of `name`, `uploads` and `movies`, ordered by name: of one tenant, if it has uploads, or of all tenants."""
    summed = select(CollectionTotal.tenant, func.sum(CollectionTotal.row_count).label("movies"))
    movies = summed.where(CollectionTotal.table_name == TABLE.name).group_by(CollectionTotal.tenant)
    uploads = select(Upload.tenant, func.count().label("uploads")).group_by(Upload.tenant)
    if name is not None:
        movies, uploads = movies.where(CollectionTotal.tenant == name), uploads.where(Upload.tenant == name)
    sums, counts = movies.subquery("sums"), uploads.subquery("counts")
    return (
        select(
            counts.c.tenant.label("name"),
            counts.c.uploads,
            cast(func.coalesce(sums.c.movies, 0), BigInteger).label("movies"),
        )
        .outerjoin(sums, sums.c.tenant == counts.c.tenant)
        .order_by(counts.c.tenant)
    )
