"""The whole platform on this machine as one object."""

import fcntl
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from stack.ports import LOCALHOST, free_port, refusal, require_free
from stack.postgres import PostgresServer
from stack.process import stop_remembered
from stack.services import (
    API_PORT_ADVICE,
    FLOWER_PORT_ADVICE,
    Api,
    Flower,
    Scheduler,
    Service,
    Surroundings,
    Worker,
    migrate,
)
from stack.stack_errors import StackError
from stack.valkey import ValkeyServer, require_broker

Member = PostgresServer | ValkeyServer | Service
Report = Callable[[str, str], None]


def quiet(name: str, address: str) -> None:
    """A report that prints nothing."""


class LocalStack:
    """PostgreSQL, Valkey, the migration and any number of APIs and workers, in one data directory.

        with LocalStack(tmp_path, apis=2, workers=3) as stack:
            httpx.get(f"{stack.api_url}/api/v1/ping")
            stack.workers[1].kill()                  # then .start() and .wait_ready()
            stack.postgres.stop(immediate=True)      # then .start(): same port, same data

    With `database_url` or `redis_url` (of a Redis or a Valkey) the stack uses that server instead of starting its own.
    `settings` are environment variables for API, worker, scheduler and Flower. Port 0 means a free port. With
    `flower_may_move`, Flower takes a free port if its own is in use. `start` reports the name and address of each
    service when it answers.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        apis: int = 1,
        workers: int = 1,
        scheduler: bool = False,
        flower: bool = False,
        host: str = LOCALHOST,
        api_port: int = 0,
        flower_port: int = 0,
        flower_may_move: bool = False,
        worker_concurrency: int = 2,
        database_url: str | None = None,
        redis_url: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._host = host
        self._api_ports = [api_port or free_port(), *(free_port() for _more in range(apis - 1))][:apis]
        self._worker_count = workers
        self._has_scheduler = scheduler
        self._flower_port = (flower_port or free_port()) if flower else None
        self._flower_may_move = flower_may_move
        self._worker_concurrency = worker_concurrency
        self._database_url = database_url
        self._redis_url = redis_url
        self._settings = dict(settings or {})
        self._postgres: PostgresServer | None = None
        self._valkey: ValkeyServer | None = None
        self.apis: list[Api] = []
        self.workers: list[Worker] = []
        self.scheduler: Scheduler | None = None
        self.flower: Flower | None = None
        self._lock: int | None = None

    @property
    def postgres(self) -> PostgresServer:
        """The stack's own server; raises `StackError` if it uses `database_url`."""
        if self._postgres is None:
            raise StackError("this stack has no PostgreSQL of its own")
        return self._postgres

    @property
    def valkey(self) -> ValkeyServer:
        """The stack's own server; raises `StackError` if it uses `redis_url`."""
        if self._valkey is None:
            raise StackError("this stack has no Valkey of its own")
        return self._valkey

    @property
    def database_url(self) -> str:
        """The URL of the database, with its password."""
        return self._database_url or self.postgres.url

    @property
    def redis_url(self) -> str:
        """The URL of the broker, with its password."""
        return self._redis_url or self.valkey.url

    @property
    def api(self) -> Api:
        """The first API."""
        return self.apis[0]

    @property
    def worker(self) -> Worker:
        """The first worker."""
        return self.workers[0]

    @property
    def api_url(self) -> str:
        """`http://127.0.0.1:<port>`, without `/api/v1`."""
        return self.api.url

    @property
    def members(self) -> list[Member]:
        """All services created so far, in the order in which they start; they stop in reverse order."""
        servers: list[Member | None] = [self._postgres, self._valkey]
        services = *self.workers, self.scheduler, self.flower, *self.apis
        return [member for member in (*servers, *services) if member is not None]

    def start(self, report: Report = quiet, cancelled: Event | None = None) -> None:
        """Start everything and return when all services answer; after an error stop what has started, and raise.

        Raises `StackError`, and `Interrupted` if `cancelled` is set meanwhile.
        """
        self._take_directory()
        try:
            self._stop_leftovers()
            self._settle_ports(report)
            self._start_servers(report, cancelled)
            self._start_services(report, cancelled)
        except BaseException:
            self.stop()
            raise

    def start_database(self) -> None:
        """Start only PostgreSQL; raises `StackError`, also if another stack runs in the directory."""
        self._take_directory()
        try:
            self._stop_leftovers()
            self._postgres = PostgresServer(self.data_dir / "postgres", log_path=self._log("postgres"))
            self._postgres.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything: APIs, Flower, scheduler, workers, Valkey, PostgreSQL."""
        for member in reversed(self.members):
            member.stop()
        self._release_directory()

    def hurry(self) -> None:
        """Speed up a running `stop`; safe in a signal handler."""
        for member in self.members:
            if member.running:
                member.process.hurry()

    def kill(self) -> None:
        """Send SIGKILL to everything, in the same order as `stop`."""
        for member in reversed(self.members):
            member.kill()
        self._release_directory()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_servers(self, report: Report, cancelled: Event | None) -> None:
        if self._redis_url is not None:
            require_broker(self._redis_url)
        if self._database_url is None:
            self._postgres = PostgresServer(self.data_dir / "postgres", log_path=self._log("postgres"))
            self._postgres.start(cancelled)
            report("postgres", self._postgres.address)
        if self._redis_url is None:
            self._valkey = ValkeyServer(self.data_dir / "valkey", log_path=self._log("valkey"))
            self._valkey.start(cancelled)
            report("valkey", self._valkey.address)

    def _start_services(self, report: Report, cancelled: Event | None) -> None:
        surroundings = Surroundings(self.data_dir, self.database_url, self.redis_url, self._settings)
        migrate(surroundings, cancelled)
        report("migrate", "tables are up to date")
        self._make_services(surroundings)
        services = [member for member in self.members if isinstance(member, Service)]
        for service in services:
            service.start()
        for service in services:
            service.wait_ready(cancelled)
            report(service.name, service.address)

    def _make_services(self, surroundings: Surroundings) -> None:
        """Create all of them. The first API and the first worker have the plain name, the others are numbered."""
        concurrency = self._worker_concurrency
        self.workers = [Worker(surroundings, concurrency, _numbered("worker", n)) for n in range(self._worker_count)]
        self.apis = [Api(surroundings, port, _numbered("api", n), self._host) for n, port in enumerate(self._api_ports)]
        self.scheduler = Scheduler(surroundings) if self._has_scheduler else None
        self.flower = None if self._flower_port is None else Flower(surroundings, self._flower_port)

    def _stop_leftovers(self) -> None:
        """Stop all processes that an earlier, killed run left behind, also if it had more of them."""
        for pid_path in sorted((self.data_dir / "run").glob("*.pid")):
            stop_remembered(pid_path, ((signal.SIGTERM, 10.0),))

    def _settle_ports(self, report: Report) -> None:
        """Raise `StackError` if a port is in use, before anything starts; Flower moves to another one if it may."""
        for port in self._api_ports:
            require_free(self._host, port, "the API", API_PORT_ADVICE)
        if self._flower_port is None:
            return
        reason = "the API takes it" if self._flower_port in self._api_ports else refusal(LOCALHOST, self._flower_port)
        if reason is None:
            return
        complaint = f"port {self._flower_port} for Flower cannot be used on {LOCALHOST}: {reason}"
        if not self._flower_may_move:
            raise StackError(f"{complaint}; {FLOWER_PORT_ADVICE}")
        self._flower_port = free_port()
        report("flower", f"{complaint}; it takes {self._flower_port} ({FLOWER_PORT_ADVICE})")

    def _take_directory(self) -> None:
        """Lock the data directory while the stack runs; the kernel releases the lock however the process ends."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(f"{self.data_dir} cannot be the data directory: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release_directory()
            raise StackError(f"{self.data_dir} is in use by another running stack") from None

    def _release_directory(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}-{index + 1}"
