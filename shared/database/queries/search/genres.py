"""Genres, from the kept sums."""

from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from shared.catalog.tables.movies import TABLE
from shared.database.models import CollectionTotal


def genres(tenant: str) -> Select[Any]:
    """`genre` and `movies`, how many have it."""
    name = CollectionTotal.facets["genre"].astext.label("genre")
    movies = cast(func.sum(CollectionTotal.row_count), BigInteger).label("movies")
    mine = CollectionTotal.tenant == tenant, CollectionTotal.table_name == TABLE.name
    statement = select(name, movies).where(*mine, CollectionTotal.breakdown == "genre")
    return statement.group_by(name).having(func.sum(CollectionTotal.row_count) > 0)
