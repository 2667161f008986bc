"""The upload as one who decides about its plan sees it: with the plan's tag and some of its changes."""

import uuid
from datetime import timedelta
from typing import Final

from api.dependencies import Tenant
from api.description.schemas.changes import Change, Plan
from api.description.schemas.uploads import Upload
from api.listings.upload_changes import changes_of, read_changes
from api.listings.upload_documents import load_upload
from api.runtime import Runtime
from shared.errors import StateConflict

_SAMPLE: Final = 5


async def load_with_plan(runtime: Runtime, upload_id: uuid.UUID, tenant: Tenant) -> Upload:
    """The upload as it is now, with its plan if it is planned; raises `NotFound`."""
    upload = await load_upload(runtime.read_engine, upload_id, tenant)
    if upload.planned_at is None or upload.links.apply is None:
        return upload
    try:
        source = await changes_of(runtime, upload_id, tenant.name)
        changes, _ = await read_changes(runtime, source, None, _SAMPLE)
    except StateConflict:  # somebody has just decided
        return await load_upload(runtime.read_engine, upload_id, tenant)
    upload.plan = Plan(
        etag=source.tag,
        expires_at=upload.planned_at + timedelta(hours=runtime.settings.plan_hours),
        sample=[Change(**change.document()) for change in changes],
    )
    return upload
