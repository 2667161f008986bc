"""The history of an upload."""

from datetime import datetime

from sqlalchemy import Select, select

from shared.database.models import UploadEvent
from shared.database.timing.statement_names import named


@named
def upload_events(upload_number: int) -> Select[datetime, str, str | None]:
    """Rows of `at`, `event`, `reason`, in the order in which they happened."""
    return (
        select(UploadEvent.at, UploadEvent.event, UploadEvent.reason)
        .where(UploadEvent.upload_number == upload_number)
        .order_by(UploadEvent.id)
    )
