"""What operators see and decide: tenants with their limits, and uploads that wait or load."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.database.state_machine import UploadState
from shared.ingest.operating.tenant_settings import LEAST, MOST
from shared.messaging import Transport


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 4.0 is 4."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _bounds(name: str) -> Any:
    return Field(ge=LEAST[name], le=MOST[name])


_Requests = Annotated[int, _bounds("requests_per_minute"), BeforeValidator(_whole)]
_Bytes = Annotated[int, _bounds("upload_bytes_per_day"), BeforeValidator(_whole)]
_Uploads = Annotated[int, _bounds("concurrent_uploads"), BeforeValidator(_whole)]
_Days = Annotated[float, _bounds("row_retention_days")]

_REQUESTS: Final = "Of all keys of the tenant together; 0: no limit. Null: what the service's settings say."
_BYTES: Final = "Uploaded, of all keys of the tenant together; 0: no limit. Null: what the service's settings say."
_UPLOADS: Final = "Being sent, waiting or loading at a time. Null: what the service's settings say."
_DAYS: Final = "How long appended rows are kept: then their upload is undone. Null: for ever."
_RECORDS: Final = "How long the records of failed, cancelled and undone uploads are kept. Null: for ever."
_PAUSED: Final = "Whether files are taken in and none is loaded."


class TenantLimits(BaseModel):
    """What is decided about a tenant."""

    requests_per_minute: int | None = Field(description=_REQUESTS, examples=[600])
    upload_bytes_per_day: int | None = Field(description=_BYTES, examples=[10_000_000_000])
    concurrent_uploads: int | None = Field(description=_UPLOADS, examples=[4])
    row_retention_days: float | None = Field(description=_DAYS, examples=[90])
    upload_retention_days: float | None = Field(description=_RECORDS, examples=[365])
    is_paused: bool = Field(description=_PAUSED)
    changed_at: datetime | None = Field(description="Null: nothing was ever decided.")

    model_config = ConfigDict(from_attributes=True)


class TenantChanges(BaseModel):
    """What changes; the rest stays. A null is what the service's settings say again, or for ever."""

    requests_per_minute: _Requests | None = Field(default=None, description=_REQUESTS, examples=[600])
    upload_bytes_per_day: _Bytes | None = Field(default=None, description=_BYTES, examples=[10_000_000_000])
    concurrent_uploads: _Uploads | None = Field(default=None, description=_UPLOADS, examples=[4])
    row_retention_days: _Days | None = Field(default=None, description=_DAYS, examples=[90])
    upload_retention_days: _Days | None = Field(default=None, description=_RECORDS, examples=[365])
    is_paused: bool = Field(default=False, description=_PAUSED)

    # strict: a text is no number, and a truth value is none either
    model_config = ConfigDict(extra="forbid", strict=True)


class OperatedTenant(BaseModel):
    """A tenant, with what it has and what is decided about it."""

    name: str = Field(examples=["films"])
    uploads: dict[UploadState, int] = Field(
        description="How many are in which state.", examples=[{"completed": 3, "queued": 1}]
    )
    rows: int = Field(description="Visible rows of all datasets.", examples=[9_837])
    settings: TenantLimits

    model_config = ConfigDict(from_attributes=True)


class OperatedTenantPage(BaseModel):
    """Tenants by name: those with uploads, and those about which something is decided."""

    items: list[OperatedTenant]
    total: int = Field(examples=[1])
    page: int = Field(examples=[1])
    page_size: int = Field(examples=[20])


class ActiveUpload(BaseModel):
    """An upload of any tenant that waits or loads."""

    id: uuid.UUID
    tenant: str = Field(examples=["films"])
    filename: str = Field(examples=["movies.csv"])
    dataset: str = Field(examples=["movies"])
    state: UploadState
    transport: Transport
    created_at: datetime = Field(description="Since when it waits.")
    is_paused: bool = Field(description="Whether its tenant is paused.")
    pending_batches: int = Field(description="Not committed yet.", examples=[12])
    held_batches: int = Field(description="Those that a loader works on.", examples=[2])
    lease_until: datetime | None = Field(
        description="How long the last claim of a loader holds, unless it is renewed. Null: no loader works on it."
    )

    model_config = ConfigDict(from_attributes=True)


class ActiveUploadPage(BaseModel):
    """Uploads of all tenants, the oldest first."""

    items: list[ActiveUpload]
    total: int = Field(examples=[1])
    page: int = Field(examples=[1])
    page_size: int = Field(examples=[20])
