"""Genres, from the kept sums."""

from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from shared.database.models import CollectionTotal
from shared.database.queries.browsing.breakdowns import kept_of
from shared.database.timing.statement_names import named


@named
def genres(tenant: str) -> Select[Any]:
    """`genre` and `movies`, how many have it."""
    name = CollectionTotal.facets["genre"].astext.label("genre")
    movies = cast(func.sum(CollectionTotal.row_count), BigInteger).label("movies")
    statement = select(name, movies).where(*kept_of(tenant, "genre", None))
    return statement.group_by(name).having(func.sum(CollectionTotal.row_count) > 0)
