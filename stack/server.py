"""The base class of the local PostgreSQL and Valkey servers."""

from abc import ABC, abstractmethod
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import ClassVar, Self

from stack.host import Host
from stack.process import ManagedProcess
from stack.stack_errors import StackError


class Server(ABC):
    """A server with one directory, one process, one port and one password. A context manager starts and stops it."""

    name: ClassVar[str]
    start_seconds: ClassVar[float]

    def __init__(self, directory: Path, port: int, log_path: Path | None, host: Host) -> None:
        self.directory = directory.absolute()
        self.port = port
        self.host = host
        self.log_path = log_path or self.directory / f"{self.name}.log"
        self._process: ManagedProcess | None = None

    @abstractmethod
    def start(self, cancelled: Event | None = None) -> None:
        """Start it and wait until it answers."""

    @abstractmethod
    def stop(self, *, immediate: bool = False) -> None:
        """Shut it down; with `immediate` like a crash."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it is ready for clients."""

    @property
    def password_path(self) -> Path:
        """The file with the password (mode 0600)."""
        return self.directory / "password"

    @property
    def process(self) -> ManagedProcess:
        """The process of the server; raises `StackError` before the first start."""
        if self._process is None:
            raise StackError(f"{self.name} was not started")
        return self._process

    @property
    def pid(self) -> int:
        """Process id of the server (PostgreSQL's postmaster)."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.running

    def wait_ready(self, cancelled: Event | None = None) -> None:
        """Return when it answers."""
        self.process.wait_until(self._answers, self.start_seconds, cancelled)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
