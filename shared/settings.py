"""The one place that reads the environment.

A `Settings` is built at an entry point (API, worker, CLI) and passed on; importing a module has no effect.
Every field is documented in README.md and `.env.example`; a test holds that.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url

MIB = 1024 * 1024
GIB = 1024 * MIB

# libpq's: a server that vanished is noticed in seconds instead of the kernel's two hours.
KEEPALIVES = {
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


class Settings(BaseSettings):
    """Immutable configuration; each field is an environment variable `INGEST_<NAME>` (two keep their usual names)."""

    model_config = SettingsConfigDict(env_prefix="INGEST_", frozen=True, populate_by_name=True, extra="ignore")

    database_url: str = Field(validation_alias=AliasChoices("DATABASE_URL", "INGEST_DATABASE_URL"))
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0", validation_alias=AliasChoices("REDIS_URL", "INGEST_REDIS_URL")
    )
    data_dir: Path = Path("data")

    max_upload_bytes: int = Field(default=20 * GIB, gt=0)
    max_gzip_ratio: int = Field(default=200, gt=1)
    # 6 MiB is some 11,000 movies or 75,000 titles: long enough to hide the cost of a commit and of a pandera call (a
    # batch of 4 MiB takes a fifth more CPU), short enough that a kill loses well under a second of work.
    batch_bytes: int = Field(default=6 * MIB, ge=1024)
    # Up to here one transaction into the shared partition is faster than a table with indexes of its own.
    small_upload_bytes: int = Field(default=8 * MIB, ge=0)
    # Loader processes that work on one upload side by side; more than there are cores only adds memory.
    lanes: int = Field(default=2, ge=1, le=32)
    index_builders: int = Field(default=2, ge=1, le=8)

    # What an upload may have of rejected records unless it says otherwise: `abort` none, `skip` as many as
    # `max_rejects` allows, a count or a percentage ("" any number).
    on_error: Literal["skip", "abort"] = "skip"
    max_rejects: str = Field(default="", pattern=r"^(\d{1,15}|\d{1,3}(\.\d{1,6})?%)?$")

    # A loader renews its lease with each batch; a dead one is noticed after this time.
    lease_seconds: float = Field(default=12.0, gt=0)
    # How long stored files of ended uploads, rejects and idempotency keys are kept.
    file_retention_days: float = Field(default=30, gt=0)
    reject_retention_days: float = Field(default=365, gt=0)
    idempotency_key_days: float = Field(default=7, gt=0)
    sweep_interval_seconds: float = Field(default=3.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
    # A loader works on one upload for this long and then rings again, so that a small file behind a large one has its
    # turn soon and a deployment never waits.
    task_slice_seconds: float = Field(default=3.0, gt=0)
    ring_timeout_seconds: float = Field(default=1.0, gt=0)
    # A worker that takes no message for this long, though some wait and it has nothing to do, ends itself.
    deaf_worker_seconds: float = Field(default=60.0, gt=0)

    # off: whoever reaches the port may do everything, so the server listens on loopback only
    require_keys: bool = False
    # With keys on the API's own description needs one, too, which a browser cannot send; this opens it to everybody.
    public_docs: bool = False

    # For tests only, see shared/failpoints.py.
    failpoint: str = ""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    database_pool_size: int = Field(default=10, ge=1)

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return [origin for origin in value.replace(",", " ").split() if origin] if isinstance(value, str) else value

    @property
    def sync_url(self) -> URL:
        """For SQLAlchemy's sync engine (psycopg2)."""
        url = make_url(self.database_url).set(drivername="postgresql+psycopg2")
        return url.set(query={**KEEPALIVES, **url.query})

    @property
    def async_url(self) -> URL:
        """For SQLAlchemy's async engine (asyncpg)."""
        url = make_url(self.database_url).set(drivername="postgresql+asyncpg")
        return url.set(query={"ssl" if name == "sslmode" else name: value for name, value in url.query.items()})

    @property
    def libpq_url(self) -> str:
        """For psycopg2 itself."""
        return self.sync_url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def upload_dir(self) -> Path:
        """Where uploaded bytes live."""
        return self.data_dir / "uploads"
