"""Tenants: whoever has uploaded something."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from shared.database.models import MovieTotal, Upload


def tenants(names: Collection[str] | None) -> Select[Any]:
    """Rows of `name`, `uploads` and `movies`, by name; only of these tenants, or of all (None)."""
    movies = (
        select(MovieTotal.tenant, func.sum(MovieTotal.movies).label("movies"))
        .group_by(MovieTotal.tenant)
        .subquery("sums")
    )
    uploads = select(Upload.tenant, func.count().label("uploads")).group_by(Upload.tenant).subquery("counts")
    statement = (
        select(
            uploads.c.tenant.label("name"),
            uploads.c.uploads,
            cast(func.coalesce(movies.c.movies, 0), BigInteger).label("movies"),
        )
        .outerjoin(movies, movies.c.tenant == uploads.c.tenant)
        .order_by(uploads.c.tenant)
    )
    return statement if names is None else statement.where(uploads.c.tenant.in_(names))
