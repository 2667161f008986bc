"""Tenants: the owners of uploads and of default files."""

from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select, union

from shared.catalog.tables.movies import TABLE
from shared.database.models import ROWS, CollectionTotal, DefaultFile, Upload
from shared.database.timing.statement_names import named


@named
def tenants(name: str | None = None) -> Select[Any]:
    """Rows of `name`, `uploads` and `movies`, ordered by name: of one tenant, if it has uploads, or of all tenants."""
    summed = select(CollectionTotal.tenant, func.sum(CollectionTotal.row_count).label("movies"))
    of_movies = CollectionTotal.table_name == TABLE.name, CollectionTotal.breakdown == ROWS
    movies = summed.where(*of_movies).group_by(CollectionTotal.tenant)
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


@named
def all_tenants() -> Select[Any]:
    """What an operator sees of each tenant with uploads or a default file, ordered by name.

    `name`, `uploads`, `rows` (visible, of all datasets); of the default file `filename`, `size_bytes`, `parameters` and
    `set_at`, null without one.
    """
    uploads = select(Upload.tenant, func.count().label("uploads")).group_by(Upload.tenant).subquery("counts")
    sums = select(CollectionTotal.tenant, func.sum(CollectionTotal.row_count).label("rows"))
    rows = sums.where(CollectionTotal.breakdown == ROWS).group_by(CollectionTotal.tenant).subquery("sums")
    names = union(select(Upload.tenant), select(DefaultFile.tenant)).subquery("names")
    default = (DefaultFile.filename, DefaultFile.size_bytes, DefaultFile.parameters, DefaultFile.set_at)
    return (
        select(
            names.c.tenant.label("name"),
            func.coalesce(uploads.c.uploads, 0).label("uploads"),
            cast(func.coalesce(rows.c.rows, 0), BigInteger).label("rows"),
            *default,
        )
        .outerjoin(uploads, uploads.c.tenant == names.c.tenant)
        .outerjoin(rows, rows.c.tenant == names.c.tenant)
        .outerjoin(DefaultFile, DefaultFile.tenant == names.c.tenant)
        .order_by(names.c.tenant)
    )
