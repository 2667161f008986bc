"""Read what an upload has changed, page by page: each record with its row before and after."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from api.http_errors import InvalidCursor
from api.listings.opaque_cursors import UNREADABLE, Position, decoded, encoded
from api.listings.upload_documents import no_such_upload
from api.runtime import Runtime
from api.tenant_datasets import dataset_of
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.queries.changes import (
    Changing,
    changing_upload,
    large_uploads_replaced,
    listed_changes,
    rows_added,
    rows_by_id,
    rows_removed,
)
from shared.database.record_ids import end_of
from shared.database.state_machine import UploadState
from shared.database.tenancy import tenant_reading
from shared.errors import HistoryExpired, StateConflict, Unavailable
from shared.ingest.lifecycle.plans import plan_tag
from shared.ingest.versions.row_changes import Counts, is_listed

_LISTED: Final = "listed"
_ADDED: Final = "added"
_REMOVED: Final = "removed"


@dataclass(frozen=True)
class ChangeSource:
    """The changes of one upload: how many there are, and what they are the changes of."""

    changing: Changing
    total: int
    # The same as long as these are the same changes.
    tag: str


@dataclass(frozen=True)
class Change:
    """A record that was added, changed or removed: its row before and after. `line`: that of the record in the file.

    Both rows may be there no longer: that before, if its upload was undone since.
    """

    table: Table
    kind: str
    line: int | None
    before: RowMapping | None
    after: RowMapping | None

    @property
    def former(self) -> dict[str, Any]:
        """What was there of that which differs, of a changed record whose rows are both kept: fields, or `_extra`."""
        if self.kind != "changed" or self.before is None or self.after is None:
            return {}
        columns = {name: field.name for name, field in self.table.readable.items()}
        columns[self.table.free_name("extra")] = "extra"
        before, after = self.before, self.after
        return {name: before[column] for name, column in columns.items() if before[column] != after[column]}

    @property
    def _key(self) -> dict[str, Any]:
        row = self.before if self.after is None else self.after
        names = zip(self.table.public_key, self.table.key, strict=True)
        return {} if row is None else {public_name: row[name] for public_name, name in names}

    def document(self) -> dict[str, Any]:
        """The change as JSON has it."""
        return {
            "change": self.kind,
            "key": self._key,
            "line": self.line,
            "fields": list(self.former),
            "before": row_document(self.table, self.before),
            "after": row_document(self.table, self.after),
        }


def row_document(table: Table, row: RowMapping | None) -> dict[str, Any] | None:
    """The fields of a row, as readers call them."""
    if row is None:
        return None
    shown = {name: row[field.name] for name, field in table.readable.items()}
    return {**shown, table.free_name("id"): row["id"], table.free_name("extra"): row["extra"]}


async def changes_of(runtime: Runtime, upload_id: uuid.UUID, tenant: str) -> ChangeSource:
    """Where the changes of an upload are.

    Raises `NotFound`, `StateConflict` if it has none, `Unavailable` while they are counted, and `HistoryExpired`.
    """
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        upload = (await connection.execute(changing_upload(upload_id, tenant))).one_or_none()
        if upload is None:
            raise no_such_upload()
        _require_changes(upload)
        replaced = (await connection.scalars(large_uploads_replaced(upload.number))).all()
    table = (await dataset_of(runtime, tenant, upload.dataset)).table
    counts = Counts(upload.new_records, upload.changed_records, upload.unchanged_records, upload.removed_records)
    is_planned = upload.state == UploadState.PLANNED
    changing = Changing(
        number=upload.number,
        table=table,
        tenant=tenant,
        collection=upload.collection,
        first_id=upload.first_id,
        mode=WriteMode(upload.mode),
        is_listed=is_listed(table, upload.mode, counts),
        is_planned=is_planned,
        replaced=tuple((first_id, end_of(first_id)) for first_id in replaced),
    )
    tag = plan_tag(upload.planned_at) if is_planned else str(upload.version)
    return ChangeSource(changing, counts.new + counts.changed + counts.removed, tag)


def _require_changes(upload: Row[Any]) -> None:
    known = (UploadState.COMPLETED, UploadState.PLANNED)
    if upload.state not in known or upload.corrects is not None:
        detail = f"the upload is {upload.state}, so it has no changes"
        if upload.corrects is not None:
            detail = "the upload is a correction; its records are among the changes of the upload that it corrects"
        allowed = [] if upload.corrects is not None else list(known)
        raise StateConflict(detail, {"state": upload.state, "allowed": allowed})
    if upload.mode != WriteMode.APPEND and upload.version is not None and upload.version <= upload.pruned_version:
        raise HistoryExpired(
            "The rows that this upload has superseded are no longer kept, and neither are its changes."
        )
    if upload.new_records is None:
        raise Unavailable("The changes of the upload are still being counted; try again in a few seconds.")


async def read_changes(
    runtime: Runtime, source: ChangeSource, cursor: str | None, limit: int
) -> tuple[list[Change], str | None]:
    """The changes behind a cursor, and the cursor behind them if there are more; raises `InvalidCursor`."""
    changing = source.changing
    name = f"changes {changing.number} {source.tag}"
    first = _LISTED if changing.is_listed else _ADDED
    part, after = (first, 0) if cursor is None else decoded(cursor, name)
    if part not in (_LISTED, _ADDED, _REMOVED):
        raise InvalidCursor(UNREADABLE)
    async with tenant_reading(runtime.read_engine, changing.tenant) as connection:
        found: list[tuple[Position, Change]] = []
        if part == _LISTED:
            found = await _listed(connection, changing, after, limit + 1)
        if part == _ADDED:
            rows = (await connection.execute(rows_added(changing, after, limit + 1))).mappings().all()
            found = [((_ADDED, row["id"]), _added(changing, row)) for row in rows]
            after = 0
        if part != _LISTED and len(found) <= limit and changing.mode is WriteMode.REPLACE:
            rows = (await connection.execute(rows_removed(changing, after, limit + 1 - len(found)))).mappings().all()
            found += [((_REMOVED, row["id"]), Change(changing.table, "removed", None, row, None)) for row in rows]
    changes = [change for _, change in found[:limit]]
    return changes, encoded(name, found[limit - 1][0]) if len(found) > limit else None


def _added(changing: Changing, row: RowMapping) -> Change:
    return Change(changing.table, "added", row["id"] - changing.first_id, None, row)


async def _listed(
    connection: AsyncConnection, changing: Changing, after: int, limit: int
) -> list[tuple[Position, Change]]:
    pairs = (await connection.execute(listed_changes(changing.number, after, limit))).all()
    rows = await _by_id(connection, changing, [each for pair in pairs for each in (pair.old_id, pair.new_id)])
    return [((_LISTED, pair.position), _change(changing, pair, rows)) for pair in pairs]


async def _by_id(
    connection: AsyncConnection, changing: Changing, ids: Sequence[int | None]
) -> dict[int | None, RowMapping]:
    wanted = [each for each in ids if each is not None]
    if not wanted:
        return {}
    rows: Iterable[RowMapping] = (await connection.execute(rows_by_id(changing, wanted))).mappings()
    return {row["id"]: row for row in rows}


def _change(changing: Changing, pair: Row[Any], rows: dict[int | None, RowMapping]) -> Change:
    kind = "added" if pair.old_id is None else "removed" if pair.new_id is None else "changed"
    line = None if pair.new_id is None else pair.new_id - changing.first_id
    return Change(changing.table, kind, line, rows.get(pair.old_id), rows.get(pair.new_id))
