"""The one place that reads the environment.

A `Settings` is built at an entry point (API, worker, CLI) and passed on; importing a module has no effect.
Every field is documented in README.md and `.env.example`; a test holds that.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, IPvAnyNetwork, field_validator
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
    # The user that requests log in with, a member of `imdb_api` and of nothing else: not even SQL that somebody
    # smuggles in could take the owner's rights. "": that of `database_url`, who puts the role on, and could put it off.
    api_database_url: str = ""
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
    parallelism: int = Field(default=2, ge=1, le=32)
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
    notify_timeout_seconds: float = Field(default=1.0, gt=0)
    # A worker that takes no message for this long, though some wait and it has nothing to do, ends itself.
    stalled_consumer_seconds: float = Field(default=60.0, gt=0)

    # Off: whoever reaches the port may do everything, so the server listens on loopback only.
    require_keys: bool = False
    # With keys on the API's own description needs one, too, which a browser cannot send; this opens it to everybody.
    public_docs: bool = False

    # What each key, and all keys of a tenant together, may ask for (0: anything): requests a minute, uploaded bytes a
    # day, uploads at a time (a key's: being sent; a tenant's: also those that wait or are loaded).
    key_requests_per_minute: int = Field(default=600, ge=0)
    tenant_requests_per_minute: int = Field(default=3_000, ge=0)
    key_upload_bytes_per_day: int = Field(default=200 * GIB, ge=0)
    tenant_upload_bytes_per_day: int = Field(default=1_000 * GIB, ge=0)
    key_concurrent_uploads: int = Field(default=8, ge=1)
    tenant_concurrent_uploads: int = Field(default=64, ge=1)
    # Beyond these a client's address is told nothing more of why its keys do not count.
    refused_keys_per_minute: int = Field(default=60, ge=0)

    # Names (without ports) that the header Host may have. None: those of this machine while no keys are required, so
    # that no web page reaches the API by a name of its own for 127.0.0.1; any while they are.
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    # Addresses and networks of proxies: what one of them says in X-Forwarded-For is the client's address. Whoever else
    # says something there is not heard, or anybody could take an address for each try at a key.
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = (ip_network("127.0.0.1"), ip_network("::1"))
    # Connections that are served at a time; more get 503.
    max_connections: int = Field(default=256, ge=4)
    # uvicorn waits for slow clients for ever: the head of a request must be there after this time ...
    header_seconds: float = Field(default=10.0, gt=0)
    # ... and a body, or the client's side of an answer, must move at least so many bytes a second in each window.
    transfer_rate_bytes: int = Field(default=10 * 1024, ge=1)
    transfer_window_seconds: float = Field(default=30.0, gt=0)

    # For tests only, see shared/failpoints.py.
    failpoint: str = ""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    database_pool_size: int = Field(default=10, ge=1)

    @field_validator("cors_origins", "allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @property
    def sync_url(self) -> URL:
        """For SQLAlchemy's sync engine (psycopg2)."""
        return _sync_url(self.database_url)

    @property
    def request_sync_url(self) -> URL:
        """The same for requests."""
        return _sync_url(self.api_database_url or self.database_url)

    @property
    def request_async_url(self) -> URL:
        """For SQLAlchemy's async engine (asyncpg), which is for requests only."""
        url = make_url(self.api_database_url or self.database_url).set(drivername="postgresql+asyncpg")
        return url.set(query={"ssl" if name == "sslmode" else name: value for name, value in url.query.items()})

    @property
    def libpq_url(self) -> str:
        """For psycopg2 itself."""
        return self.sync_url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def upload_dir(self) -> Path:
        """Where uploaded bytes live."""
        return self.data_dir / "uploads"


def _sync_url(address: str) -> URL:
    url = make_url(address).set(drivername="postgresql+psycopg2")
    return url.set(query={**KEEPALIVES, **url.query})
