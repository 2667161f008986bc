"""Movies by their ids in the source of their files, in whatever datasets."""

from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, select

from shared.catalog.tables.movies import TABLE
from shared.database.models import Collection
from shared.database.queries.browsing.listing import MOVIES
from shared.database.timing.statement_names import named


@named
def movies_by_source(tenant: str, source_id: str, dataset: str | None, limit: int) -> Select[Any]:
    """The latest movies with this id, each with its `dataset` and the `total` of all."""
    of_tenant = MOVIES.tenant == bindparam("tenant", tenant, literal_execute=True)
    statement = (
        select(*MOVIES, Collection.dataset, func.count().over().label("total"))
        .join(Collection, Collection.number == MOVIES.collection)
        .where(of_tenant, MOVIES.source_id == source_id)
        .where(Collection.tenant == tenant, Collection.table_name == TABLE.name)
    )
    if dataset is not None:
        statement = statement.where(Collection.dataset == dataset)
    return statement.order_by(MOVIES.id.desc()).limit(bindparam("limit", limit, Integer, literal_execute=True))
