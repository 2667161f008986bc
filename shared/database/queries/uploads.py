"""Uploads as a client sees them: the row, and for an unfinished upload the sums over its finished batches."""

import uuid
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select, true
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from shared.database.models import Batch, Pull, PullState, Upload
from shared.database.state_machine import COUNTED_STATES, UNPUBLISHED_STATES, BatchState
from shared.database.timing.statement_names import named


@named
def upload_by_id(upload_id: uuid.UUID, tenant: str) -> Select[Any]:
    """The upload with its `done_*` sums and the server's time `now`, if it belongs to the tenant."""
    return _with_progress().where(Upload.id == upload_id, Upload.tenant == tenant)


@named
def uploads_page(tenant: str, state: str | None, kind: str | None, limit: int, offset: int) -> Select[Any]:
    """Uploads of the tenant, the newest first."""
    newest_first = (Upload.created_at.desc(), Upload.number.desc())
    return _of_tenant(_with_progress(), tenant, state, kind).order_by(*newest_first).limit(limit).offset(offset)


@named
def uploads_count(tenant: str, state: str | None, kind: str | None) -> Select[Any]:
    """How many uploads of the tenant are in this state and of this kind (None: any)."""
    return _of_tenant(select(func.count()).select_from(Upload), tenant, state, kind)


@named
def unpublished_uploads_count(tenant: str) -> Select[Any]:
    """How many uploads of the tenant are waiting, for their file, a loader or a decision, or loading."""
    uploads = select(func.count()).select_from(Upload)
    pulls = select(func.count()).select_from(Pull)
    loading = uploads.where(Upload.tenant == tenant, Upload.state.in_(UNPUBLISHED_STATES)).scalar_subquery()
    waiting = pulls.where(Pull.tenant == tenant, Pull.state == PullState.WAITING).scalar_subquery()
    return select(loading + waiting)


@named
def upload_number(upload_id: uuid.UUID, tenant: str) -> Select[Any]:
    """The upload's number, if it belongs to the tenant."""
    return select(Upload.number).where(Upload.id == upload_id, Upload.tenant == tenant)


@named
def stored_file(upload_id: uuid.UUID, tenant: str) -> Select[Any]:
    """The upload's `number`, and what is needed to read its records again, if it belongs to the tenant."""
    wanted = select(Upload.number, Upload.state, Upload.storage_key, Upload.header_bytes, Upload.dialect)
    return wanted.where(Upload.id == upload_id, Upload.tenant == tenant)


def _of_tenant(statement: Select[Any], tenant: str, state: str | None, kind: str | None) -> Select[Any]:
    wanted = [(Upload.tenant, tenant), (Upload.state, state), (Upload.kind, kind)]
    return statement.where(*(column == value for column, value in wanted if value is not None))


def _with_progress() -> Select[Any]:
    done = _done_batches()
    corrected = aliased(Upload)
    successor = aliased(Upload)
    corrected_id = select(corrected.id).where(corrected.number == Upload.corrects).scalar_subquery()
    superseded_by_id = select(successor.id).where(successor.number == Upload.superseded_by).scalar_subquery()
    others = corrected_id.label("corrected_id"), superseded_by_id.label("superseded_by_id")
    return select(Upload, *others, *done.c, func.clock_timestamp().label("now")).join(done, true())


def _done_batches() -> LateralFromClause:
    def total(name: str, value: Any) -> Any:
        return cast(func.coalesce(func.sum(value), 0), BigInteger).label(name)

    return (
        select(
            total("done_bytes", Batch.byte_end - Batch.byte_start),
            total("done_read", Batch.read_records),
            total("done_loaded", Batch.loaded_records),
            total("done_rejected", Batch.rejected_records),
            total("done_duplicate", Batch.duplicate_records),
        )
        .where(
            # These have their record counts in their own row, so thousands of batches need not be added up again.
            Upload.state.not_in(COUNTED_STATES),
            Batch.upload_number == Upload.number,
            Batch.state == BatchState.DONE,
        )
        .correlate(Upload)
        .lateral("done")
    )
