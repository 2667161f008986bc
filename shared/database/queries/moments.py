"""What was visible at an earlier moment: what is kept of the rows of then, whatever has taken their place since.

A row was visible if its upload was published by then, and none that was published by then has superseded it. That holds
unless an upload of before was undone or corrected since: its rows are gone, or there are more of them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    all_,
    and_,
    any_,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from shared.catalog.table import Table
from shared.database.models import Change, Collection, CollectionVersion, Upload
from shared.database.queries.kept_rows import Source, all_of, sources
from shared.database.record_ids import end_of, first_id_of, is_large
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

_BIGINTS: Final = ARRAY(BigInteger)
# There are hardly more, because leaves are merged; each costs a little of planning.
_MOST_LEAVES: Final = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a tenant's table: after a version of one collection, and for the others at its time."""

    at: datetime
    collection: int | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """What was published since a moment: the numbers of the uploads, and the first ids of their rows.

    `moment`: what the client calls it.
    """

    moment: str
    numbers: tuple[int, ...]
    first_ids: tuple[int, ...]


@named
def moment_of(upload_id: Any, tenant: str) -> Select[*tuple[Any, ...]]:
    """`table_name` and `state` of an upload; `collection`, `version` and `at` of what it has published or corrected."""
    version = CollectionVersion.collection, CollectionVersion.version, CollectionVersion.at
    wanted = select(Upload.table_name, Upload.state, *version)
    made = and_(CollectionVersion.upload_number == Upload.number, CollectionVersion.change != Change.UNDONE)
    return wanted.join(CollectionVersion, made, isouter=True).where(Upload.id == upload_id, Upload.tenant == tenant)


@named
def versions_since(tenant: str, table_name: str, moment: Moment) -> Select[*tuple[Any, ...]]:
    """The versions of the tenant's collections in a table since a moment, with the upload whose rows each is about.

    `published_by`: the version that first showed them. `is_pruned`: what was superseded then is no longer kept.
    """
    made_by, upload = aliased(Upload), aliased(Upload)
    is_later = CollectionVersion.at > moment.at
    if moment.collection is not None:
        is_its = CollectionVersion.collection == moment.collection
        is_later = or_(and_(is_its, CollectionVersion.version > moment.version), and_(~is_its, is_later))
    return (
        select(
            *(CollectionVersion.collection, CollectionVersion.version, CollectionVersion.change, CollectionVersion.at),
            *(upload.number, upload.id, upload.first_id, upload.state, upload.version.label("published_by")),
            (CollectionVersion.version <= Collection.pruned_version).label("is_pruned"),
        )
        .join(Collection, Collection.number == CollectionVersion.collection)
        .join(made_by, made_by.number == CollectionVersion.upload_number)
        .join(upload, upload.number == func.coalesce(made_by.corrects, made_by.number))
        .where(CollectionVersion.tenant == tenant, Collection.table_name == table_name, is_later)
        .order_by(CollectionVersion.at, CollectionVersion.version)
    )


def is_obstacle(version: Any, versions: set[tuple[int, int]]) -> bool:
    """Whether one of `versions_since` hides what was visible before. `versions`: of all, collection and version."""
    is_of_before = (version.collection, version.published_by) not in versions
    return version.is_pruned or (version.change != Change.PUBLISHED and is_of_before)


def sources_then(table: Table, later: Later) -> list[tuple[Source, list[ColumnElement[bool]]]]:
    """The tables that rows of then are in by now, each with the conditions on its rows that tell which."""
    found: list[tuple[Source, list[ColumnElement[bool]]]] = []
    for source in sources(table):
        first_id: ColumnElement[int] = literal_column(first_id_of(f"{source.rows.description}.id"), BigInteger)
        was_there = [first_id != all_(cast(later.first_ids, _BIGINTS)), *_outside(source, later)]
        was_not_superseded = source.superseded_by == any_(cast(later.numbers, _BIGINTS))
        found.append((source, was_there if source.rows is sql_table(table) else [*was_there, was_not_superseded]))
    return found


def _outside(source: Source, later: Later) -> list[ColumnElement[bool]]:
    """Conditions that say nothing new: by them the planner leaves out the leaves of later uploads."""
    row_id, large = source.rows.c.id, [first_id for first_id in later.first_ids if is_large(first_id)]
    return [or_(row_id < first_id, row_id >= end_of(first_id)) for first_id in large[-_MOST_LEAVES:]]


def rows_then(table: Table, tenant: str, collection: int | None, later: Later) -> FromClause:
    """The rows that were visible; `collection`: None for all of the tenant's."""
    parts = [
        select(*source.columns).where(*source.is_of(tenant, collection), *conditions)
        for source, conditions in sources_then(table, later)
    ]
    return all_of(parts, table.name)
