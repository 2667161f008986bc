"""What the platform stores of clients and tenants: API keys, idempotency keys, default files, when each was served."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import TENANT_NAME, Base

SCOPES: Final = ("read", "upload", "admin")
# The scope of an operator's key, which has no other and no tenants.
OPERATOR: Final = "operator"
_IS_OPERATORS: Final = f"scopes = ARRAY['{OPERATOR}']"
_ARE_NAMES: Final = f"array_to_string(tenants, '/', '!') ~ '^{TENANT_NAME}(/{TENANT_NAME})*$'"


class ApiKey(Base):
    """An API key: which tenants' data it opens, and for what. Of its secret only the SHA-256 is stored.

    An operator's key opens no tenant's data, and what operators do.

    `replaces` is the key that this key replaced by a rotation. Keys are revoked and not deleted, because logs name
    their ids.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    tenants: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    replaces: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id"), unique=True)

    __table_args__ = (
        CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
        CheckConstraint(f"CASE WHEN {_IS_OPERATORS} THEN tenants = '{{}}' ELSE {_ARE_NAMES} END", name="tenants"),
        CheckConstraint(
            f"{_IS_OPERATORS} OR cardinality(scopes) > 0 AND scopes <@ ARRAY{list(SCOPES)!r}", name="scopes"
        ),
    )


class IdempotencyKey(Base):
    """A client's key for one upload request.

    The request `holder` has the key until `lease_until` while its upload comes in; afterwards `answer` is its response.
    """

    __tablename__ = "idempotency_keys"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    holder: Mapped[uuid.UUID]
    lease_until: Mapped[datetime]
    fingerprint: Mapped[str | None]
    upload_id: Mapped[uuid.UUID | None]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = (Index(None, "created_at"),)


class TenantSchedule(Base):
    """When a loader last served a tenant (see `shared.ingest.loading.scheduling`)."""

    __tablename__ = "tenant_schedule"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    last_served_at: Mapped[datetime]


class DefaultFile(Base):
    """The file that a tenant's requests to reload load again: the bytes in `storage_key`, as an operator gave them.

    `parameters`: how it is to be read, as query parameters of an upload have it (see `shared.ingest.reloading`).
    """

    __tablename__ = "default_files"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    filename: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    storage_key: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint(f"tenant ~ '^{TENANT_NAME}$'", name="tenant"),)
