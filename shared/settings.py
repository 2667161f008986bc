"""The one module that reads the environment.

A `Settings` is built at an entry point (API, worker, CLI) and passed on; importing a module has no effect. Every field
is documented in README.md and `.env.example`; a test checks that.
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, IPvAnyNetwork, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

# A name, or `*.` and the name of what it is below; never all hosts.
HostPattern = Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$", max_length=255)]

_NAMES = r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])*/?"
_STORAGE_URL = re.compile(rf"(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]*{_NAMES}|file://(/[^\x00/?#]+)+/?")

MIB = 1024 * 1024
GIB = 1024 * MIB

# Options of libpq: a server that has vanished is noticed within seconds instead of the kernel's two hours.
KEEPALIVES = {
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


def wrong_settings(error: ValidationError) -> str:
    """Which variables are missing or wrong, and why, without their values."""
    found = {_variable(str(item["loc"][0])): item["msg"].removeprefix("Value error, ") for item in error.errors()}
    return "; ".join(f"{variable}: {message}" for variable, message in found.items())


class Settings(BaseSettings):
    """Immutable configuration. Each field is an environment variable `INGEST_<NAME>` (four keep their usual names)."""

    model_config = SettingsConfigDict(
        env_prefix="INGEST_", frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: str = Field(validation_alias=AliasChoices("DATABASE_URL", "INGEST_DATABASE_URL"))
    # The user that requests log in with, a member of `imdb_api` and of no other role, so that not even injected SQL
    # could get the rights of the owner. "": the user of `database_url`, which switches to that role and could switch
    # back.
    api_database_url: str = ""
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0", validation_alias=AliasChoices("REDIS_URL", "INGEST_REDIS_URL")
    )
    data_dir: Path = Path("data")
    # Where stored files are instead of `data_dir`: `s3://bucket/prefix`, `gs://...`, `az://...` or `file:///directory`.
    # Credentials, region and endpoint are in the variables of the provider, which are no settings of ours.
    storage_url: str = ""

    max_upload_bytes: int = Field(default=20 * GIB, gt=0)
    max_compression_ratio: int = Field(default=200, gt=1)
    # 6 MiB hold some 11,000 movies or 75,000 titles. That is enough to hide the cost of a commit and of a pandera call
    # (a batch of 4 MiB takes a fifth more CPU), and so little that a killed loader loses well under a second of work.
    batch_bytes: int = Field(default=6 * MIB, ge=1024)
    # Up to this size one transaction into the shared partition is faster than a table with its own indexes.
    small_upload_bytes: int = Field(default=8 * MIB, ge=0)
    # How many loader processes work on one upload at the same time; more than there are cores only costs memory.
    parallelism: int = Field(default=2, ge=1, le=32)
    index_builders: int = Field(default=2, ge=1, le=8)

    # How many rejected records an upload may have unless it says otherwise: `abort` none, `skip` as many as
    # `max_rejects` allows, a count or a percentage ("": any number).
    on_error: Literal["skip", "abort"] = "skip"
    max_rejects: str = Field(default="", pattern=r"^(\d{1,15}|\d{1,3}(\.\d{1,6})?%)?$")

    # A loader renews its lease every third of this time while it works. If it dies, another loader can take over after
    # this time.
    lease_seconds: float = Field(default=12.0, gt=0)
    # How long the stored files of ended uploads, rejects and idempotency keys are kept.
    file_retention_days: float = Field(default=30, gt=0)
    reject_retention_days: float = Field(default=365, gt=0)
    idempotency_key_days: float = Field(default=7, gt=0)
    # How long rows are kept whose place others have taken: so long an upload that replaced or updated can be undone.
    superseded_days: float = Field(default=30, gt=0)
    # How long a plan waits until somebody applies it.
    plan_hours: float = Field(default=72, gt=0)
    sweep_interval_seconds: float = Field(default=3.0, gt=0)
    # How often each process looks for leaves of large uploads to merge, see `shared.ingest.merging`.
    merge_interval_seconds: float = Field(default=10.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
    # How long a loader works on one upload before it sends its notification again. So a small file behind a large one
    # is loaded soon, and a deployment never waits long.
    task_slice_seconds: float = Field(default=3.0, gt=0)
    notify_timeout_seconds: float = Field(default=1.0, gt=0)
    # A worker that takes no message for this long, although messages are waiting and it is idle, ends itself.
    stalled_consumer_seconds: float = Field(default=60.0, gt=0)

    # Off: every client that reaches the port may do everything, so the server listens on loopback only.
    require_keys: bool = False
    # With keys required, the API's description needs one, too, and a browser cannot send it. This opens the description
    # to all clients.
    public_docs: bool = False

    # The limits of each key, and of all keys of a tenant together (0: no limit): requests per minute, uploaded bytes
    # per day, uploads at the same time (for a key: being sent; for a tenant: also waiting or loading).
    key_requests_per_minute: int = Field(default=600, ge=0)
    tenant_requests_per_minute: int = Field(default=3_000, ge=0)
    key_upload_bytes_per_day: int = Field(default=200 * GIB, ge=0)
    tenant_upload_bytes_per_day: int = Field(default=1_000 * GIB, ge=0)
    key_concurrent_uploads: int = Field(default=8, ge=1)
    tenant_concurrent_uploads: int = Field(default=64, ge=1)
    # How many refused keys per minute an address may send. Further ones get a plain 429 instead of the reason why the
    # key is refused; valid keys still pass.
    refused_keys_per_minute: int = Field(default=60, ge=0)

    # Names (without ports) that the Host header may have. Empty: without required keys the names of this machine, so
    # that no web page can reach the API through its own name for 127.0.0.1; with required keys any name.
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    # Addresses and networks of proxies. X-Forwarded-For from one of them names the client's address. From other clients
    # it is ignored; otherwise a client could take a new address for each attempt to guess a key.
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = (ip_network("127.0.0.1"), ip_network("::1"))
    # API processes behind one address, each with its own pools, background loaders and limit of connections.
    api_workers: int = Field(default=1, ge=1, le=64)
    # How many connections are served at the same time; further ones get 503.
    max_connections: int = Field(default=256, ge=4)
    # uvicorn waits for slow clients for ever. Here the head of a request must arrive within this time ...
    header_seconds: float = Field(default=10.0, gt=0)
    # ... and a body, or a response that the client reads, must move at least this many bytes per second in each window.
    transfer_rate_bytes: int = Field(default=10 * 1024, ge=1)
    transfer_window_seconds: float = Field(default=30.0, gt=0)
    # How many exports each API serves at the same time; further ones get 503. Each has a database connection for itself
    # for as long as its client takes, and keeps a core of the database busy.
    exports: int = Field(default=4, ge=1)

    # Hosts whose files may be fetched by address: `data.example.org`, or `*.example.org` for all below it. Empty: none.
    pull_hosts: Annotated[tuple[HostPattern, ...], NoDecode] = ()
    # By http, too: whoever is on the way could read and change such a file.
    pull_plain_http: bool = False
    # Ports that may be asked; empty: 80 and 443.
    pull_ports: Annotated[tuple[int, ...], NoDecode] = ()
    # Networks that may be asked although they are not the public internet.
    pull_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    # How many files each API and each worker fetches at the same time, and how long one may take.
    pulls: int = Field(default=2, ge=1, le=32)
    pull_seconds: float = Field(default=3600.0, gt=0)
    # How long after the first failure a fetch is tried again; four times as long after each further one.
    pull_retry_seconds: float = Field(default=15.0, gt=0)

    # Where answers are kept, a Redis; "": the broker. How long, at most (0: not at all): they are dropped only so that
    # those nobody asks for any more leave room. They share the memory of the broker, so none is added while the server
    # holds more than `cache_memory_bytes` (0: it has a limit and an eviction policy of its own).
    cache_url: str = ""
    cache_seconds: int = Field(default=600, ge=0, le=86_400)
    cache_max_bytes: int = Field(default=MIB, ge=0)
    cache_memory_bytes: int = Field(default=256 * MIB, ge=0)
    # Pictures of movies, see `shared.shots`. An 8K screen has 33 million pixels, and to encode them as WebP takes up to
    # 13 seconds. The pixels of all frames of an animation count together.
    shot_bytes: int = Field(default=10 * MIB, gt=0)
    shot_pixels: int = Field(default=34_000_000, gt=0)
    shot_frames: int = Field(default=1, ge=1)
    shots_per_movie: int = Field(default=50, ge=0)
    tenant_shot_bytes: int = Field(default=2 * GIB, ge=0)

    # For tests only; see shared/failpoints.py.
    failpoint: str = ""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    # Statements of requests that take so long are logged with their plan's shape (0: none).
    slow_query_ms: int = Field(default=500, ge=0)
    database_pool_size: int = Field(default=10, ge=1)

    # What operators see, see docs/OBSERVABILITY.md; all of it is off unless it is asked for. The ports on which
    # Prometheus reads the metrics of an API and of a worker (0: none), and the address they listen on. They ask for no
    # key, so they are not the port of the API.
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    worker_metrics_port: int = Field(default=0, ge=0, le=65_535)
    metrics_host: str = "127.0.0.1"
    # A collector that takes spans by OTLP over HTTP, as OpenTelemetry names it, and the share of traces that it gets.
    otel_exporter_otlp_endpoint: str = Field(
        default="", validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "INGEST_OTEL_EXPORTER_OTLP_ENDPOINT")
    )
    trace_ratio: float = Field(default=1.0, ge=0, le=1)
    # Where Sentry, or what speaks as it does, takes reports of errors that nobody expected.
    sentry_dsn: str = Field(default="", validation_alias=AliasChoices("SENTRY_DSN", "INGEST_SENTRY_DSN"))

    @field_validator(
        *("cors_origins", "allowed_hosts", "trusted_proxies", "pull_hosts", "pull_ports", "pull_networks"),
        mode="before",
    )
    @classmethod
    def _split_list(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("database_url", "api_database_url")
    @classmethod
    def _names_a_database(cls, value: str) -> str:
        if value and not _is_of_postgresql(value):
            raise ValueError("it must be postgresql://user:password@host:port/database")
        return value

    @field_validator("redis_url", "cache_url")
    @classmethod
    def _names_a_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://")):
            raise ValueError("it must be redis://:password@host:port/number, or rediss:// for TLS")
        return value

    @field_validator("sentry_dsn")
    @classmethod
    def _names_a_project(cls, value: str) -> str:
        if value:
            from sentry_sdk.utils import BadDsn, Dsn

            try:
                Dsn(value)
            except (BadDsn, ValueError) as error:
                raise ValueError("it must be https://key@host/number, as Sentry shows it for a project") from error
        return value

    @field_validator("pull_hosts")
    @classmethod
    def _are_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if any(host.rpartition(".")[2].isdecimal() for host in hosts):
            raise ValueError("hosts have names here, and not numbers: addresses with numbers are refused")
        return hosts

    @field_validator("storage_url")
    @classmethod
    def _names_a_storage(cls, value: str) -> str:
        if value and _STORAGE_URL.fullmatch(value) is None:
            raise ValueError(
                "it must be s3://bucket/prefix, gs://bucket/prefix, az://container/prefix (the prefix may be missing)"
                " or file:///directory, without credentials or parameters"
            )
        return value

    @property
    def sync_url(self) -> URL:
        """The URL for SQLAlchemy's sync engine (psycopg2)."""
        return _sync_url(self.database_url)

    @property
    def request_sync_url(self) -> URL:
        """The same for requests."""
        return _sync_url(self.api_database_url or self.database_url)

    @property
    def request_async_url(self) -> URL:
        """The URL for SQLAlchemy's async engine (asyncpg), which only requests use."""
        url = make_url(self.api_database_url or self.database_url).set(drivername="postgresql+asyncpg")
        return url.set(query={"ssl" if name == "sslmode" else name: value for name, value in url.query.items()})

    @property
    def libpq_url(self) -> str:
        """The URL for psycopg2 itself."""
        return self.sync_url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def upload_dir(self) -> Path:
        """The directory of the stored files, unless they are in a bucket."""
        in_url = self.storage_url.removeprefix("file://")
        return Path(in_url) if in_url != self.storage_url else self.data_dir / "uploads"

    @property
    def is_in_bucket(self) -> bool:
        """Whether the stored files are in a bucket."""
        return bool(self.storage_url) and not self.storage_url.startswith("file:")


def _sync_url(address: str) -> URL:
    url = make_url(address).set(drivername="postgresql+psycopg2")
    return url.set(query={**KEEPALIVES, **url.query})


def _is_of_postgresql(url: str) -> bool:
    try:
        return make_url(url).get_backend_name() in ("postgresql", "postgres")
    except (ArgumentError, ValueError):
        return False


def _variable(name: str) -> str:
    """The environment variable of a field, or the name itself if it is one."""
    if name not in Settings.model_fields:
        return name
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"INGEST_{name.upper()}"
