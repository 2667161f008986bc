"""What an operator has decided about a tenant."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Double, Integer, false, func
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import TENANT_NAME, Base


class TenantSettings(Base):
    """Limits and retention of one tenant. Null: what the settings say; the retention of rows and uploads: for
    ever.

    Limits are those of all keys of the tenant together, 0: none (`concurrent_uploads`: at least 1). `is_paused`: its
    uploads are taken in, and none is loaded.
    """

    __tablename__ = "tenant_settings"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    requests_per_minute: Mapped[int | None] = mapped_column(Integer)
    upload_bytes_per_day: Mapped[int | None] = mapped_column(BigInteger)
    concurrent_uploads: Mapped[int | None] = mapped_column(Integer)
    row_retention_days: Mapped[float | None] = mapped_column(Double)
    upload_retention_days: Mapped[float | None] = mapped_column(Double)
    is_paused: Mapped[bool] = mapped_column(server_default=false())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(f"tenant ~ '^{TENANT_NAME}$'", name="tenant"),
        CheckConstraint("requests_per_minute >= 0", name="requests_per_minute"),
        CheckConstraint("upload_bytes_per_day >= 0", name="upload_bytes_per_day"),
        CheckConstraint("concurrent_uploads > 0", name="concurrent_uploads"),
        CheckConstraint("row_retention_days > 0", name="row_retention_days"),
        CheckConstraint("upload_retention_days > 0", name="upload_retention_days"),
    )
