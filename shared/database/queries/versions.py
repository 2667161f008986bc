"""Whether what a request reads in several statements belongs to one moment: the versions of the collections tell."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from shared.database.models import Collection, CollectionVersion, DeclaredDataset
from shared.database.timing.statement_names import named

_TENANT: Final = bindparam("tenant", type_=String)
_DATASET: Final = bindparam("dataset", type_=String)


def version_of(tenant: str, table_name: str) -> ScalarSelect[Any]:
    """A number that grows with each change of what the tenant sees in a table."""
    mine = Collection.tenant == tenant, Collection.table_name == table_name
    versions = cast(func.coalesce(func.sum(Collection.version), 0), BigInteger)
    return select(versions).where(*mine).scalar_subquery()


@named
def _versions() -> Select[*tuple[Any, ...]]:
    is_current = and_(
        CollectionVersion.tenant == _TENANT,
        CollectionVersion.collection == Collection.number,
        CollectionVersion.version == Collection.version,
    )
    collections = (
        select(_listed(Collection.number, Collection.version, CollectionVersion.at))
        .select_from(Collection)
        .outerjoin(CollectionVersion, is_current)
        .where(Collection.tenant == _TENANT)
    )
    of_tenant = DeclaredDataset.tenant == _TENANT
    declared = _listed(DeclaredDataset.number, DeclaredDataset.version, DeclaredDataset.changed_at)
    revision = select(column("version_num", String)).select_from(table("alembic_version"))
    return select(
        revision.scalar_subquery().label("revision"),
        collections.scalar_subquery().label("collections"),
        select(declared).where(of_tenant).scalar_subquery().label("declarations"),
        exists().where(of_tenant, DeclaredDataset.name == _DATASET).label("is_declared"),
    )


def _listed(number: Any, version: Any, at: Any) -> Any:
    each = func.concat_ws(":", number, version, func.extract("epoch", at))
    return func.string_agg(each, aggregate_order_by(literal(","), number))


# All that decides what `tenant` sees, as text: `revision` (of the schema), `collections` and `declarations`. Each
# version is there with its time, so that none comes again after a backup was restored. `is_declared`: whether it
# has declared `dataset`. Made once, because to make a statement takes longer than to run this one.
VERSIONS: Final = _versions()
