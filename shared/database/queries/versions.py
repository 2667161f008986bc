"""Whether what a request reads in several statements belongs to one moment: the versions of the collections tell."""

from typing import Any

from sqlalchemy import BigInteger, ScalarSelect, cast, func, select

from shared.database.models import Collection


def version_of(tenant: str, table_name: str) -> ScalarSelect[Any]:
    """A number that grows with each change of what the tenant sees in a table."""
    mine = Collection.tenant == tenant, Collection.table_name == table_name
    versions = cast(func.coalesce(func.sum(Collection.version), 0), BigInteger)
    return select(versions).where(*mine).scalar_subquery()
