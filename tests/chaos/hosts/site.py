"""The platform with each service on a host of its own."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3

from stack.postgres import PostgresServer
from stack.services import Api, Service, Surroundings, Worker, migrate
from stack.valkey import ValkeyServer
from tests.chaos.hosts.network import Network
from tests.system.storage.servers import BUCKET as BUCKET_NAME
from tests.system.storage.servers import ObjectServer, moto

POSTGRES: Final = "postgres"
VALKEY: Final = "valkey"
BUCKET: Final = "bucket"
_POSTGRES_PORT: Final = 5432
_VALKEY_PORT: Final = 6379
_API_PORT: Final = 8000


class Site:
    """PostgreSQL, Valkey, a bucket, APIs `api-1`, … and workers `worker-1`, …, each on the host of that name.

    APIs and workers share nothing but these servers: each has a data directory of its own. A context manager, within
    which the calling thread is on a host of `network`.
    """

    def __init__(self, directory: Path, *, apis: int, workers: int, settings: Mapping[str, str]) -> None:
        self._directory = directory.absolute()
        self._apis = [f"api-{number}" for number in range(1, apis + 1)]
        self._workers = [f"worker-{number}" for number in range(1, workers + 1)]
        self.network = Network([POSTGRES, VALKEY, BUCKET, *self._apis, *self._workers])
        addresses = [self.network.host(name).address for name in self._apis]
        self._settings = {**settings, "INGEST_ALLOWED_HOSTS": " ".join(addresses)}
        self.postgres = PostgresServer(
            self._directory / POSTGRES,
            port=_POSTGRES_PORT,
            log_path=self._log(POSTGRES),
            host=self.network.host(POSTGRES),
        )
        self.valkey = ValkeyServer(
            self._directory / VALKEY, port=_VALKEY_PORT, log_path=self._log(VALKEY), host=self.network.host(VALKEY)
        )
        self.apis: list[Api] = []
        self.workers: list[Worker] = []
        self._bucket: ObjectServer | None = None
        self._open = ExitStack()

    @property
    def database_url(self) -> str:
        """The URL of the database."""
        return self.postgres.url

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.network)
            stack.enter_context(self.postgres)
            stack.enter_context(self.valkey)
            (self._directory / BUCKET).mkdir()
            self._bucket = stack.enter_context(moto(self._directory / BUCKET, self.network.host(BUCKET)))
            self._settings |= {"INGEST_STORAGE_URL": self._bucket.url, **self._bucket.environment}
            migrate(Surroundings(self._directory, self.postgres.url, self.valkey.url, self._settings))
            self.workers = [Worker(self._surroundings(name), 1, name) for name in self._workers]
            self.apis = [Api(self._surroundings(name), _API_PORT, name) for name in self._apis]
            forwarders = [self._forwarder(api) for api in self.apis]
            services: list[Service] = [*self.workers, *forwarders, *self.apis]
            for service in services:
                stack.callback(service.stop)
                service.start()
            for service in services:
                service.wait_ready()
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def stored_files(self) -> Path:
        """A directory with each file of the bucket under its key, as they are now."""
        directory = self._directory / "stored"
        directory.mkdir()
        parts: dict[str, list[str]] = {}
        for name in sorted(self._names()):
            parts.setdefault(name.split("/")[-2], []).append(name)
        for key, names in parts.items():
            if names[-1].endswith("/last"):
                (directory / key).write_bytes(b"".join(self._content(name) for name in names))
        return directory

    def _names(self) -> Iterator[str]:
        for page in self._client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET_NAME):
            yield from (found["Key"] for found in page.get("Contents", []))

    def _content(self, name: str) -> bytes:
        found: bytes = self._client().get_object(Bucket=BUCKET_NAME, Key=name)["Body"].read()
        return found

    def _client(self) -> Any:
        """Amazon's own, which comes with moto."""
        assert self._bucket is not None
        environment = self._bucket.environment
        return boto3.client(
            "s3",
            endpoint_url=self._bucket.address,
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    def _surroundings(self, name: str) -> Surroundings:
        """The directory of logs is the same for all; nothing else is in it."""
        settings = {**self._settings, "INGEST_DATA_DIR": str(self._directory / "hosts" / name)}
        host = self.network.host(name)
        return Surroundings(self._directory, self.postgres.url, self.valkey.url, settings, host)

    def _forwarder(self, api: Api) -> Service:
        """What listens on the address of an API's host; it asks for no keys, so it listens on its loopback only."""
        address, surroundings = self.network.host(api.name).address, self._surroundings(api.name)
        api.url = f"http://{address}:{_API_PORT}"
        words = ("tests.chaos.hosts.forwarder", address, str(_API_PORT))
        return Service(surroundings.recipe(f"{api.name}-forwarder", *words, stop_seconds=5))

    def _log(self, name: str) -> Path:
        return self._directory / "logs" / f"{name}.log"
