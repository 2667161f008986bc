"""A file server on loopback, with and without TLS, and what a process needs to pull from it."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.database.engine import PlainSql
from shared.database.models import Pull, Source
from shared.ingest.pulling.claims import claim
from shared.ingest.pulling.options import PullOptions
from shared.ingest.pulling.pulling import Pulling
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY
from tests.file_server import FileServer, certificate

LOOPBACK = {"pull_networks": "127.0.0.0/8, ::1", "pull_hosts": "localhost, *.localhost", "pull_plain_http": True}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of files, by TLS, with a certificate that is trusted."""
    authority = certificate("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with FileServer(authority) as server:
        yield server


@pytest.fixture
def plain() -> Iterator[FileServer]:
    """The same without TLS."""
    with FileServer(None) as server:
        yield server


@pytest.fixture
def pull_settings(settings: Settings, files: FileServer, plain: FileServer) -> Settings:
    """Settings that allow these servers, and are impatient."""
    limits = {"pull_retry_seconds": 0.01, "transfer_window_seconds": 1.0, "transfer_rate_bytes": 100, "pull_seconds": 5}
    ports = {"pull_ports": f"{files.port} {plain.port}"}
    return Settings(**settings.model_dump() | LOOPBACK | limits | ports | {"max_upload_bytes": 100_000})


class Pulls:
    """Asks for pulls and carries them out, and shows what has become of them."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        self.storage = open_storage(settings)
        self.notified: list[uuid.UUID] = []

    def ask(self, address: str, filename: str = "movies.csv", source: uuid.UUID | None = None, **options: Any) -> Any:
        """A new pull; returns its id."""
        values = {"id": uuid.uuid4(), "tenant": "public", "address": address, "source": source}
        values |= {"parameters": PullOptions(filename, **options).to_json(), "transport": "background", "trace_id": "t"}
        with self.engine.begin() as connection:
            connection.execute(Pull.__table__.insert().values(values))  # type: ignore[attr-defined]
        return values["id"]

    def source(self, address: str, filename: str = "movies.csv", **columns: Any) -> uuid.UUID:
        """A new source; returns its id."""
        values: dict[str, Any] = {"id": uuid.uuid4(), "tenant": "public", "name": "films", "address": address}
        values |= {"parameters": PullOptions(filename).to_json(), "transport": "background", **columns}
        with self.engine.begin() as connection:
            connection.execute(Source.__table__.insert().values(values))  # type: ignore[attr-defined]
        return uuid.UUID(str(values["id"]))

    def carry_out(self, **options: Any) -> bool:
        """The next pull that is due; False if there is none."""
        with self.engine.begin() as connection:
            claimed = claim(PlainSql(connection), list(Transport), self.settings.lease_seconds)
        if claimed is not None:
            pulling = Pulling(self.engine, REGISTRY, self.storage, self.settings, self.notify, **options)
            pulling.carry_out(claimed)
            pulling.close()
        return claimed is not None

    def notify(self, upload_id: uuid.UUID, _transport: Transport) -> bool:
        """Remember which uploads there are to load."""
        self.notified.append(upload_id)
        return True

    def row(self, pull: uuid.UUID) -> Any:
        """The pull as it is now."""
        with self.engine.connect() as connection:
            return connection.execute(text("SELECT * FROM pulls WHERE id = :id"), {"id": pull}).one()

    def outcome(self, address: str, filename: str = "movies.csv", **options: Any) -> tuple[str, str | None]:
        """State and error code after one attempt."""
        pull = self.ask(address, filename, **options)
        assert self.carry_out()
        row = self.row(pull)
        return row.state, row.error_code

    @property
    def stored(self) -> list[str]:
        """The keys of all files in the storage, and of parts of them."""
        return [path.name for path in self.settings.upload_dir.iterdir()] if self.settings.upload_dir.exists() else []


@pytest.fixture
def pulls(engine: Engine, pull_settings: Settings) -> Pulls:
    """See `Pulls`."""
    return Pulls(engine, pull_settings)


Answering = Callable[..., Any]
