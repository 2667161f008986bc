"""Read uploads and shape them for a client."""

import uuid
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from api.dependencies import Tenant
from api.description.schemas.files import Dialect
from api.description.schemas.uploads import Counts, Progress, Records, Upload, UploadError, UploadLinks
from shared.csv.dialect import Dialect as StoredDialect
from shared.database.queries.uploads import upload_by_id
from shared.database.state_machine import ACTIVE_STATES, COUNTED_STATES, UNDO, UploadState, actions_of
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound

UPLOADS_PATH: Final = "/api/v1/uploads"
MOVIES_PATH: Final = "/api/v1/movies"


def upload_path(upload_id: uuid.UUID) -> str:
    """The address of an upload."""
    return f"{UPLOADS_PATH}/{upload_id}"


def no_such_upload() -> NotFound:
    """The error for an upload that does not exist or belongs to another tenant."""
    return NotFound("There is no upload with this id.")


async def load_upload(engine: AsyncEngine, upload_id: uuid.UUID, tenant: Tenant) -> Upload:
    """The upload as it is now; raises `NotFound`."""
    async with tenant_reading(engine, tenant.name) as connection:
        row = (await connection.execute(upload_by_id(upload_id, tenant.name))).one_or_none()
    if row is None:
        raise no_such_upload()
    return upload_of(row, tenant)


def upload_of(row: Row[Any], tenant: Tenant) -> Upload:
    """Shape a row of `queries.uploads`."""
    return Upload(
        id=row.id,
        number=row.number,
        filename=row.filename,
        member=row.member,
        dataset=row.dataset,
        dialect=Dialect(**StoredDialect.from_json(row.dialect).to_json()),
        columns=row.columns,
        table_schema=row.table_schema,
        tenant=row.tenant,
        state=row.state,
        outcome=_outcome(row),
        phase=row.phase,
        kind=row.kind,
        mode=row.mode,
        counts=_counts(row),
        superseded_by=row.superseded_by_id,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        records=_records(row),
        progress=_progress(row),
        attempts=row.attempts,
        transport=row.transport,
        created_at=row.created_at,
        started_at=row.started_at,
        planned_at=row.planned_at,
        finished_at=row.finished_at,
        error=None if row.error_code is None else UploadError(code=row.error_code, message=row.error_message or ""),
        warnings=row.intake_warnings if row.warnings is None else row.warnings,
        on_error=row.on_error,
        max_rejects=_max_rejects(row),
        corrects=row.corrected_id,
        links=_links(row, tenant),
    )


def _outcome(row: Row[Any]) -> Literal["complete", "partial"] | None:
    if row.state != UploadState.COMPLETED:
        return None
    return "partial" if row.rejected_records else "complete"


def _records(row: Row[Any]) -> Records:
    if row.state == UploadState.FAILED:  # its rows are gone; its rejects stay, so that a client can correct the file
        return Records(read=row.done_rejected, loaded=0, rejected=row.done_rejected, duplicate=0)
    if row.state in ACTIVE_STATES:
        return Records(
            read=row.done_read, loaded=row.done_loaded, rejected=row.done_rejected, duplicate=row.done_duplicate
        )
    return Records(
        read=row.read_records,
        loaded=row.loaded_records,
        rejected=row.rejected_records,
        duplicate=row.duplicate_records,
    )


def _counts(row: Row[Any]) -> Counts | None:
    if row.state not in (UploadState.PLANNED, UploadState.COMPLETED) or row.new_records is None:
        return None
    return Counts(
        new=row.new_records,
        changed=row.changed_records,
        unchanged=row.unchanged_records,
        removed=row.removed_records,
        duplicate=row.duplicate_records,
    )


def _max_rejects(row: Row[Any]) -> str | None:
    if row.max_rejects_percent is not None:
        return f"{row.max_rejects_percent:g}%"
    return None if row.max_rejects is None else str(row.max_rejects)


def _progress(row: Row[Any]) -> Progress:
    is_counted = row.state in COUNTED_STATES
    done = row.content_bytes if is_counted else row.done_bytes and row.header_bytes + row.done_bytes
    # What waits for a decision is loaded.
    seconds = _loading_seconds(row.started_at, row.planned_at or row.finished_at or row.now)
    is_indexing = row.phase == "indexing"
    has_rate = row.state == UploadState.LOADING and not is_indexing and done > 0
    return Progress(
        bytes_done=done,
        bytes_total=row.content_bytes,
        percent=round(100 * done / row.content_bytes, 1),
        records_per_second=round(_records(row).read / seconds, 1) if seconds else None,
        eta_seconds=round((row.content_bytes - done) * seconds / done, 1) if has_rate and seconds else None,
        index_steps_done=row.index_steps_done if is_indexing else None,
        index_steps_total=row.index_steps_total if is_indexing else None,
    )


def _loading_seconds(started_at: datetime | None, until: datetime) -> float | None:
    # Both times are from the database's clock. The lower limit only keeps the rate finite.
    return None if started_at is None else max((until - started_at).total_seconds(), 0.001)


def _links(row: Row[Any], tenant: Tenant) -> UploadLinks:
    path = upload_path(row.id)
    allowed = actions_of(UploadState(row.state))
    actions = {
        action: tenant.address(f"{path}/{action}")
        for action in allowed
        if not (
            action == UNDO.name and row.corrects is not None
        )  # a correction can be undone only together with the upload that it corrects
    }
    has_changes = row.corrects is None and _counts(row) is not None
    return UploadLinks(
        self=tenant.address(path),
        changes=tenant.address(f"{path}/changes") if has_changes else None,
        rejects=tenant.address(f"{path}/rejects"),
        movies=tenant.address(MOVIES_PATH),
        **actions,
    )
