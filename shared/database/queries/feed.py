"""What has changed in a collection since a version, by the identities of records (see `ingest.versions.identities`)."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Integer, Select, Text, and_, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.table import Table
from shared.database.models import Collection, CollectionVersion, RowChange, TouchedRows, Upload
from shared.database.queries.kept_rows import first_of, sources
from shared.database.record_ids import end_of
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

# So much for each of the identities in one row of `touched_rows`, which has at most a thousand: `position * 1024 + n`.
WITHIN: Final = 1024


@named
def followed_collection(tenant: str, table_name: str, dataset: str) -> Select[int, int, int]:
    """`number`, `version` and `pruned_version` of a collection."""
    mine = Collection.tenant == tenant, Collection.table_name == table_name, Collection.dataset == dataset
    return select(Collection.number, Collection.version, Collection.pruned_version).where(*mine)


@named
def versions_from(collection: int, version: int, limit: int) -> Select[*tuple[Any, ...]]:
    """The versions of a collection in order, from this one on, each with the upload that made it.

    `is_unlisted`: the rows of the upload, which was undone, are not listed yet.
    """
    withdrawn = func.to_regclass(Upload.table_name + "_x" + cast(Upload.number, Text))
    upload = (Upload.number, Upload.state, Upload.mode, Upload.first_id)
    counts = Upload.new_records, Upload.changed_records, Upload.unchanged_records, Upload.removed_records
    wanted = select(
        *(CollectionVersion.version, CollectionVersion.change),
        *upload,
        *counts,
        withdrawn.is_not(None).label("is_unlisted"),
    ).join(Upload, Upload.number == CollectionVersion.upload_number)
    of_it = CollectionVersion.collection == collection, CollectionVersion.version >= version
    return wanted.where(*of_it).order_by(CollectionVersion.version).limit(limit)


@named
def listed_identities(number: int, after: int, limit: int) -> Select[*tuple[Any, ...]]:
    """`position` and `identity` of the records that an upload has changed, behind a position."""
    of_it = RowChange.upload_number == number, RowChange.position > after, RowChange.identity.is_not(None)
    return select(RowChange.position, RowChange.identity).where(*of_it).order_by(RowChange.position).limit(limit)


@named
def touched_identities(collection: int, version: int, after: int) -> Select[*tuple[Any, ...]]:
    """`position` and `identities`, a list, of what a version has touched, from that of a position on."""
    of_it = TouchedRows.collection == collection, TouchedRows.version == version, TouchedRows.identities.is_not(None)
    wanted = select(TouchedRows.position, TouchedRows.identities)
    return wanted.where(*of_it, TouchedRows.position >= after // WITHIN).order_by(TouchedRows.position).limit(2)


@named
def touched_uploads(collection: int, version: int) -> Select[int, int]:
    """`number` and `first_id` of the uploads all of whose rows a version has touched."""
    of_it = TouchedRows.collection == collection, TouchedRows.version == version
    joined = select(Upload.number, Upload.first_id).join(TouchedRows, TouchedRows.upload_number == Upload.number)
    return joined.where(*of_it).order_by(Upload.number)


@named
def replaced_uploads(number: int) -> Select[int, int]:
    """`number` and `first_id` of the uploads that one has replaced."""
    return select(Upload.number, Upload.first_id).where(Upload.superseded_by == number).order_by(Upload.number)


@named
def keys_of_upload(table: Table, tenant: str, collection: int, first_id: int, after: int, limit: int) -> Select[Any]:
    """`id` and the key of an upload's rows wherever they are, behind an id."""
    parts = []
    for source in sources(table):
        rows = source.rows.c
        its_own = rows.id >= first_id, rows.id < end_of(first_id), rows.id > after
        wanted = select(rows.id, *(rows[name] for name in table.key)).where(*source.is_of(tenant, collection), *its_own)
        parts.append(wanted.order_by(rows.id).limit(limit))
    return first_of(parts, lambda columns: [columns.id.asc()], limit)


@named
def keys_visible(table: Table, tenant: str, collection: int, after: int, limit: int) -> Select[Any]:
    """`id` and the key of all rows that readers see, behind an id."""
    rows = sql_table(table).c
    wanted = select(rows.id, *(rows[name] for name in table.key))
    return wanted.where(*_is_of(table, tenant, collection), rows.id > after).order_by(rows.id).limit(limit)


@named
def rows_with_keys(table: Table, tenant: str, collection: int, keys: Sequence[Sequence[str]]) -> Select[Any]:
    """The visible rows that have one of the keys, each with `ordinal`: that of its key in the list, from 1.

    The values of the keys are text.
    """
    rows = sql_table(table)
    columns = [cast([key[position] for key in keys], ARRAY(Text)) for position in range(len(table.key))]
    names = [f"part_{position}" for position in range(len(table.key))]
    given = func.unnest(*columns).table_valued(*names, with_ordinality="ordinal").render_derived("given")
    has_key = and_(
        *(rows.c[name] == cast(given.c[part], rows.c[name].type) for name, part in zip(table.key, names, strict=True))
    )
    wanted = select(*rows.c, cast(given.c.ordinal, Integer).label("ordinal")).select_from(given).join(rows, has_key)
    return wanted.where(*_is_of(table, tenant, collection)).order_by(rows.c.id)


@named
def rows_with_ids(table: Table, tenant: str, collection: int, ids: Sequence[int]) -> Select[Any]:
    """The visible rows that have one of the ids."""
    rows = sql_table(table).c
    return select(*rows).where(*_is_of(table, tenant, collection), rows.id.in_(ids))


def _is_of(table: Table, tenant: str, collection: int) -> list[sa.ColumnElement[bool]]:
    rows = sql_table(table).c
    return [
        rows.tenant == bindparam("tenant", tenant, literal_execute=True),
        rows.collection == bindparam("collection", collection, literal_execute=True),
    ]
