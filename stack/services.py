"""The platform's own processes: API, worker, beat and Flower, and the migration that runs before them."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from threading import Event
from typing import Final

import httpx
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from stack.host import THIS_MACHINE, Host
from stack.ports import LOCALHOST, require_free
from stack.process import ManagedProcess, Recipe, rotate
from stack.secrets import password_in
from stack.short_program import run_short
from stack.stack_errors import StackError

ROOT: Final = Path(__file__).resolve().parents[1]
FLOWER_USER: Final = "flower"

# A server that listens on one of these is reachable at every address of the machine.
_ANYWHERE: Final = (str(IPv4Address(0)), str(IPv6Address(0)))

_START_SECONDS = 90.0  # importing pandas on a busy machine with a cold disk
_MIGRATE_SECONDS = 600.0
# A worker that should stop ends its task after the current batch; a slice is 3 s by default.
_WORKER_STOP_SECONDS = 30.0
_API_STOP_SECONDS = 15.0

# What helps if a port is in use.
API_PORT_ADVICE: Final = "choose another with --port"
FLOWER_PORT_ADVICE: Final = "choose another with --flower-port, or --no-flower"


@dataclass(frozen=True)
class Surroundings:
    """The environment of every process: servers' URLs, data directory, the caller's settings; and its host."""

    data_dir: Path
    database_url: str
    redis_url: str
    settings: Mapping[str, str]
    host: Host = THIS_MACHINE

    @property
    def environment(self) -> dict[str, str]:
        """Our own environment variables, overridden by the servers' URLs and then by `settings`."""
        addresses = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "INGEST_DATA_DIR": str(self.data_dir),
            "PYTHONUNBUFFERED": "1",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
        return {**inherited, **addresses, **self.settings}

    def recipe(self, name: str, module: str, *arguments: str, stop_seconds: float, **variables: str) -> Recipe:
        """The recipe for a Python module that runs with this interpreter and environment."""
        return Recipe(
            name=name,
            command=[*self.host.prefix, sys.executable, "-m", module, *arguments],
            log_path=self.data_dir / "logs" / f"{name}.log",
            pid_path=self.data_dir / "run" / f"{name}.pid",
            environment={**self.environment, **variables},
            cwd=ROOT,
            stop_signals=((signal.SIGTERM, stop_seconds),),
        )


class Service(ManagedProcess):
    """A process that answers when it is ready. `url` is empty if it has no page."""

    def __init__(self, recipe: Recipe, url: str = "") -> None:
        super().__init__(recipe)
        self.name = recipe.name
        self.url = url

    def answers(self) -> bool:
        """Whether it works now; does not raise if it does not."""
        return self.running

    def wait_ready(self, cancelled: Event | None = None) -> None:
        """Return when it answers; raises `StackError` with the end of its log if it does not."""
        self.wait_until(self.answers, _START_SECONDS, cancelled)

    @property
    def process(self) -> ManagedProcess:
        """The service itself; the same attribute as that of the servers."""
        return self

    @property
    def address(self) -> str:
        """The address that `imdb-ingest up` prints."""
        return self.url


class Api(Service):
    """An API process, `python -m api.server`."""

    def __init__(self, surroundings: Surroundings, port: int, name: str = "api", host: str = LOCALHOST) -> None:
        options = ["--host", host, "--port", str(port), "--graceful-seconds", "10"]
        self.host = host
        self.port = port
        recipe = surroundings.recipe(name, "api.server", *options, stop_seconds=_API_STOP_SECONDS)
        super().__init__(recipe, url=f"http://{_reachable(host)}:{port}")

    def start(self) -> None:
        """Start it; raises `StackError` if its port is in use."""
        self.stop_leftover()
        require_free(self.host, self.port, "the API", API_PORT_ADVICE)
        super().start()

    def answers(self) -> bool:
        """Whether it reaches the database and the broker."""
        return _status(f"{self.url}/api/v1/healthz") == httpx.codes.OK


class Worker(Service):
    """A Celery worker for the load queue, with `concurrency` pool processes."""

    def __init__(self, surroundings: Surroundings, concurrency: int = 2, name: str = "worker") -> None:
        self.node_name = f"{name}@local"
        self._redis_url = surroundings.redis_url
        options = [f"--concurrency={concurrency}", "--queues=ingest.load", f"--hostname={self.node_name}"]
        # Workers do not need to know each other, and their gossip does not survive a restart of the broker.
        options += ["--without-gossip", "--without-mingle"]
        command = ["--quiet", "-A", "worker.app:app", "worker", "--loglevel=INFO", "-E", *options]
        super().__init__(surroundings.recipe(name, "celery", *command, stop_seconds=_WORKER_STOP_SECONDS))

    @property
    def address(self) -> str:
        """The worker's node name in Celery."""
        return self.node_name

    def answers(self) -> bool:
        """Whether it answers a ping through the broker."""
        if not self.running:
            return False
        try:
            with Celery(broker=self._redis_url, set_as_current=False) as asker:
                return bool(asker.control.ping(destination=[self.node_name], timeout=0.5))
        except (RedisError, OperationalError):
            return False


class Scheduler(Service):
    """Celery's beat, which asks the workers once a minute to look which sources are due."""

    def __init__(self, surroundings: Surroundings, name: str = "beat") -> None:
        command = ["--quiet", "-A", "worker.app:app", "beat", "--loglevel=INFO"]
        super().__init__(surroundings.recipe(name, "celery", *command, stop_seconds=5.0))


class Flower(Service):
    """Flower, with the user `flower` and a password that is in a file of the data directory."""

    def __init__(self, surroundings: Surroundings, port: int, name: str = "flower") -> None:
        self.port = port
        self.password_path = surroundings.data_dir / "flower.password"
        options = [f"--address={LOCALHOST}", f"--port={port}"]
        recipe = surroundings.recipe(
            name,
            "worker.flower",
            *options,
            stop_seconds=5.0,
            # in the environment, because every user can read command lines
            FLOWER_BASIC_AUTH=f"{FLOWER_USER}:{password_in(self.password_path)}",
        )
        super().__init__(recipe, url=f"http://{LOCALHOST}:{port}")

    def start(self) -> None:
        """Start it; raises `StackError` if its port is in use."""
        self.stop_leftover()
        require_free(LOCALHOST, self.port, "Flower", FLOWER_PORT_ADVICE)
        super().start()

    @property
    def credentials(self) -> tuple[str, str]:
        """The user and the password."""
        return FLOWER_USER, password_in(self.password_path)

    @property
    def address(self) -> str:
        """The page, the user, and the file with the password."""
        return f"{self.url}  (user {FLOWER_USER}, password in {self.password_path})"

    def answers(self) -> bool:
        """Whether it serves its first page with the password."""
        return _status(self.url, self.credentials) == httpx.codes.OK


def migrate(surroundings: Surroundings, cancelled: Event | None = None) -> None:
    """Upgrade the database's schema; raises `StackError` with the reason if that fails, `Interrupted`."""
    log_path = surroundings.data_dir / "logs" / "migrate.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    rotate(log_path)
    result = run_short(
        [sys.executable, "-m", "cli.main", "migrate"],
        seconds=_MIGRATE_SECONDS,
        cancelled=cancelled,
        environment=surroundings.environment,
        cwd=ROOT,
    )
    output = result.stdout + result.stderr
    with log_path.open("a") as log:
        log.write(output)
    if result.returncode != 0:
        raise StackError(f"the database cannot be migrated:\n{output.strip()[-2000:]}")


def _status(url: str, credentials: tuple[str, str] | None = None) -> int | None:
    try:
        # trust_env=False: a proxy from the environment cannot reach 127.0.0.1
        return httpx.get(url, auth=credentials, timeout=3, trust_env=False, follow_redirects=True).status_code
    except httpx.TransportError:
        return None


def _reachable(host: str) -> str:
    """An address to connect to, for the address that a server listens on."""
    return LOCALHOST if host in _ANYWHERE else host
