"""What an upload has changed: the rows that it has added, changed and removed (see `ingest.versions.row_changes`).

An upload that was compared with the rows before it has listed its changes. All rows of any other upload are added, and
all rows whose place it has taken are removed.
"""

import uuid
from collections.abc import Callable
from collections.abc import Collection as Several
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, and_, any_, cast, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.models import Collection, RowChange, Upload
from shared.database.partitions import staging_table, upload_leaf
from shared.database.queries.kept_rows import Source, all_of, first_of, sources
from shared.database.record_ids import FIRST_LARGE_ID, end_of
from shared.database.timing.statement_names import named

_BIGINTS: Final = ARRAY(BigInteger)

_UPLOAD: Final = (
    *(Upload.number, Upload.tenant, Upload.dataset, Upload.collection, Upload.state, Upload.mode, Upload.first_id),
    *(Upload.corrects, Upload.version, Upload.compared_version, Upload.planned_at),
    *(Upload.new_records, Upload.changed_records, Upload.unchanged_records, Upload.removed_records),
    Collection.pruned_version,
)


@dataclass(frozen=True)
class Changing:
    """An upload whose changes are known: it is completed, or planned.

    `is_listed`: it was compared. `is_planned`: its rows wait. `replaced`: the ranges [low, high) of the ids of large
    uploads whose rows it has replaced.
    """

    number: int
    table: Table
    tenant: str
    collection: int
    first_id: int
    mode: WriteMode
    is_listed: bool
    is_planned: bool
    replaced: tuple[tuple[int, int], ...] = ()

    @property
    def sources(self) -> list[Source]:
        """Where the rows are that it may have changed, before and after."""
        return sources(self.table, self._waiting)

    @property
    def _waiting(self) -> str | None:
        if not self.is_planned:
            return None
        name = staging_table if self.mode is WriteMode.UPSERT else upload_leaf
        return name(self.table.name, self.number)


@named
def changing_upload(upload_id: uuid.UUID, tenant: str) -> Select[*tuple[Any, ...]]:
    """The columns of an upload that say whether and how its changes are known."""
    mine = Upload.id == upload_id, Upload.tenant == tenant
    return select(*_UPLOAD).join(Collection, Collection.number == Upload.collection, isouter=True).where(*mine)


@named
def large_uploads_replaced(number: int) -> Select[int]:
    """The first ids of the large uploads that an upload has replaced."""
    replaced = Upload.superseded_by == number, Upload.first_id >= FIRST_LARGE_ID
    return select(Upload.first_id).where(*replaced).order_by(Upload.first_id)


@named
def listed_changes(number: int, after: int, limit: int) -> Select[*tuple[Any, ...]]:
    """Pairs of ids, behind a position."""
    wanted = select(RowChange.position, RowChange.old_id, RowChange.new_id)
    behind = RowChange.upload_number == number, RowChange.position > after
    return wanted.where(*behind).order_by(RowChange.position).limit(limit)


@named
def rows_by_id(changing: Changing, ids: Several[int]) -> Select[Any]:
    """Rows with these ids, as far as they are kept."""
    parts = [_select(changing, source).where(source.rows.c.id == _any(ids)) for source in changing.sources]
    return select(all_of(parts, "kept"))


@named
def rows_added(changing: Changing, after: int, limit: int) -> Select[Any]:
    """All rows of the upload, behind an id."""

    def is_its_own(source: Source) -> list[ColumnElement[bool]]:
        return [source.rows.c.id >= changing.first_id, source.rows.c.id < end_of(changing.first_id)]

    return _in_order(changing, is_its_own, after, limit)


@named
def rows_removed(changing: Changing, after: int, limit: int) -> Select[Any]:
    """All rows whose place the upload has taken, or would take, behind an id."""

    def is_replaced(source: Source) -> list[ColumnElement[bool]]:
        row_id = source.rows.c.id
        if changing.is_planned:
            is_its_own = and_(row_id >= changing.first_id, row_id < end_of(changing.first_id))
            return [source.superseded_by.is_(None), not_(is_its_own)]
        # The ranges tell the planner which leaves it need not read.
        ranges = [row_id < FIRST_LARGE_ID, *(and_(row_id >= low, row_id < high) for low, high in changing.replaced)]
        return [source.superseded_by == changing.number, or_(*ranges)]

    return _in_order(changing, is_replaced, after, limit)


def _in_order(
    changing: Changing, conditions: Callable[[Source], list[ColumnElement[bool]]], after: int, limit: int
) -> Select[Any]:
    """The first rows behind an id that fulfil the conditions."""
    parts = [
        _select(changing, source)
        .where(*conditions(source), source.rows.c.id > after)
        .order_by(source.rows.c.id)
        .limit(limit)
        for source in changing.sources
    ]
    return first_of(parts, lambda columns: [columns.id.asc()], limit)


def _select(changing: Changing, source: Source) -> Select[Any]:
    return select(*source.columns).where(*source.is_of(changing.tenant, changing.collection))


def _any(ids: Several[int]) -> ColumnElement[Any]:
    return any_(cast(list(ids), _BIGINTS))
