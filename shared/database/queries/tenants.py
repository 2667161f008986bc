"""Tenants: the owners of uploads."""

from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from shared.database.models import MovieTotal, Upload


def tenants(name: str | None = None) -> Select[Any]:
    """Rows of `name`, `uploads` and `movies`, ordered by name: of one tenant, if it has uploads, or of all tenants."""
    movies = select(MovieTotal.tenant, func.sum(MovieTotal.movies).label("movies")).group_by(MovieTotal.tenant)
    uploads = select(Upload.tenant, func.count().label("uploads")).group_by(Upload.tenant)
    if name is not None:
        movies, uploads = movies.where(MovieTotal.tenant == name), uploads.where(Upload.tenant == name)
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
