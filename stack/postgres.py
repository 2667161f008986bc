"""A PostgreSQL server of our own: one directory, one process, one TCP port, on 127.0.0.1 unless a host is given."""

import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Final

import psutil
import psycopg2

from stack.binaries import postgres_bin_dir, postgres_version
from stack.host import THIS_MACHINE, Host
from stack.os_user import OsUser, os_user_for
from stack.ports import free_port, require_free
from stack.process import ManagedProcess, Recipe, kill_all, processes_in, wait_gone
from stack.secrets import password_in, write_private
from stack.server import Server
from stack.stack_errors import StackError

USER: Final = "imdb"
DATABASE: Final = "imdb"

_FAST_SECONDS = 30.0
_IMMEDIATE_SECONDS = 10.0

# Lines of postmaster.pid, from 0: process id, directory, start time, port.
_PORT_LINE: Final = 3

_MOST_SHARED_MB: Final = 1024
_MIB: Final = 1024 * 1024


def shared_buffers() -> str:
    """A quarter of the memory, as usual, but at most 1 GB: more did not make loading faster.

    With 256 MB, building the indexes of a million rows took a fifth longer.
    """
    return f"{min(psutil.virtual_memory().total // 4 // _MIB, _MOST_SHARED_MB)}MB"


# For bulk loading on a machine with a few GB. No setting trades safety for speed.
SETTINGS: Final = {
    "unix_socket_directories": "",  # a socket's path has at most about 100 bytes, a directory may have more
    "max_connections": "100",  # API pools (3 x 10), loaders, index builders, sweeps of a few processes, and a reserve
    # A query locks each partition that it opens. 100 connections share 102,400 locks, which cost 52 MB.
    "max_locks_per_transaction": "1024",
    "maintenance_work_mem": "256MB",  # PostgreSQL sorts an index of a million rows in memory
    "max_wal_size": "8GB",  # no checkpoint during a load: after one, every page is logged in full again
    "checkpoint_timeout": "15min",  # the same by time
    "checkpoint_completion_target": "0.9",  # spreads a checkpoint out
    "wal_compression": "off",  # every build has only pglz, which costs an index build more than it saves
    "fsync": "on",  # an upload that was answered with 202 survives a power cut
    "synchronous_commit": "on",  # a batch that is `done` is on disk
    "full_page_writes": "on",
    "autovacuum": "on",
    "client_connection_check_interval": "5s",  # frees a killed loader's locks within seconds, even in a long query
    "log_connections": "off",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
    # Keep rows out of the log: failed statements and their parameters, DETAIL and CONTEXT.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %q%a ",  # time, process, application name
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresServer(Server):
    """A local PostgreSQL server. It can be stopped and started again with the same port, password and data.

    `port` 0 means a free port, chosen at the first start. `bin_dir` None means PostgreSQL 18 from the wheel; versions
    from 15 on work. `settings` replace some of `SETTINGS`. On another `host`
    it takes clients of that host's network. If we are root, the server runs as another user, see
    `os_user.py`. Also a context manager.
    """

    name = "postgres"
    start_seconds = 120.0  # crash recovery after a killed bulk load replays up to max_wal_size

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        bin_dir: Path | None = None,
        log_path: Path | None = None,
        settings: Mapping[str, str] | None = None,
        host: Host = THIS_MACHINE,
    ) -> None:
        super().__init__(directory, port, log_path, host)
        self._settings = {**SETTINGS, **(settings or {})}
        self.bin_dir = bin_dir or postgres_bin_dir()

    @property
    def data_dir(self) -> Path:
        """The directory of the database cluster."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """`postgresql://imdb:<password>@127.0.0.1:<port>/imdb`; valid from the first start on."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of another database of this server."""
        return f"postgresql://{USER}:{password_in(self.password_path)}@{self.host.address}:{self.port}/{database}"

    def running_url(self) -> str:
        """The `url` of the server that another process runs in this directory; raises `StackError` if there is none."""
        if self._postmaster() is None:
            raise StackError(f"no PostgreSQL is running in {self.directory}; `imdb-ingest up` starts one")
        self.port = int(self._pid_file.read_text().splitlines()[_PORT_LINE])
        return self.url

    @property
    def address(self) -> str:
        """The address that `imdb-ingest up` prints."""
        return f"postgresql://{USER}@{self.host.address}:{self.port}/{DATABASE}  (password in {self.password_path})"

    def start(self, cancelled: Event | None = None) -> None:
        """Create the cluster if there is none, start the server, wait until it answers, create the database `imdb`."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        user = os_user_for(self.directory, self.bin_dir / "postgres")
        self._stop_leftovers()
        if not self.data_dir.exists():
            self._initialise(user, cancelled)
        self.port = self.port or free_port()
        require_free(self.host.address, self.port, "postgres")
        self._process = ManagedProcess(self._recipe(user))
        self._process.start()
        try:
            self._process.wait_until(self._answers, self.start_seconds, cancelled)
            self._create_database()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, immediate: bool = False) -> None:
        """Fast shutdown. With `immediate` it is like a crash: no checkpoint, and recovery at the next start."""
        if self._process is None:
            return
        if immediate and self._process.running:
            os.kill(self._process.pid, signal.SIGQUIT)
        self._process.stop()
        self._clear_orphans()

    def kill(self) -> None:
        """Send SIGKILL to the postmaster and all of its backends."""
        if self._process is not None:
            self._process.kill()
            self._clear_orphans()

    def _recipe(self, user: OsUser) -> Recipe:
        values = {"listen_addresses": self.host.address, "shared_buffers": shared_buffers(), **self._settings}
        settings = [argument for name, value in values.items() for argument in ("-c", f"{name}={value}")]
        program = self.bin_dir / "postgres"
        return Recipe(
            name="postgres",
            command=[*self.host.prefix, *user.prefix, program, "-D", self.data_dir, "-p", str(self.port), *settings],
            log_path=self.log_path,
            pid_path=self.directory / "postgres.pid",
            uid=user.uid,
            stop_signals=((signal.SIGINT, _FAST_SECONDS), (signal.SIGQUIT, _IMMEDIATE_SECONDS)),
        )

    def _initialise(self, user: OsUser, cancelled: Event | None) -> None:
        """Run initdb in a draft directory, so that an incomplete cluster is never taken for a complete one."""
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self.directory / "initdb.password"
        write_private(password_file, password_in(self.password_path))
        if user.uid is not None:
            os.chown(draft, user.uid, -1)
            os.chown(password_file, user.uid, -1)
        options = ["--encoding=UTF8", "--data-checksums", "--auth=scram-sha-256", f"--username={USER}"]
        command: list[str | Path] = [
            self.bin_dir / "initdb",
            "-D",
            draft,
            f"--pwfile={password_file}",
            *options,
            *self._locale(),
        ]
        try:
            result = user.run(command, cancelled)
        finally:
            password_file.unlink()
        if result.returncode != 0:
            raise StackError(f"initdb failed for {self.data_dir}:\n{result.stderr.strip()}")
        if self.host is not THIS_MACHINE:
            with (draft / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet scram-sha-256\n")
        draft.rename(self.data_dir)

    def _locale(self) -> list[str]:
        """Sort by code point (fast, the same everywhere); from PostgreSQL 17 on also know letters beyond ASCII."""
        if postgres_version(self.bin_dir) >= 17:
            return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--locale=C"]

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url_of("postgres"), connect_timeout=3).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(f"{self.password_path} does not hold the password of {self.data_dir}") from error
            return False
        return True

    def _create_database(self) -> None:
        with closing(psycopg2.connect(self.url_of("postgres"), connect_timeout=3)) as connection:
            connection.autocommit = True  # CREATE DATABASE cannot run in a transaction
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")

    def _stop_leftovers(self) -> None:
        """Stop a server that an earlier, killed run left in this directory, and remove a stale pid file."""
        if not self.data_dir.exists():
            return
        postmaster = self._postmaster()
        if postmaster is not None:
            postmaster.send_signal(signal.SIGINT)
            wait_gone([postmaster], _FAST_SECONDS)
        self._clear_orphans()
        # After a reboot the number in the file may belong to another process; the server would refuse to start.
        pid = self._recorded_pid()
        if pid is not None and psutil.pid_exists(pid):
            self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "postmaster.pid"

    def _recorded_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text().split(maxsplit=1)[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def _postmaster(self) -> psutil.Process | None:
        pid = self._recorded_pid()
        return next((process for process in self._servers() if process.pid == pid), None)

    def _clear_orphans(self) -> None:
        """Kill backends without a postmaster. They would end by themselves, but a busy one may take long to notice."""
        kill_all(self._servers())

    def _servers(self) -> list[psutil.Process]:
        return processes_in(self.data_dir, "postgres") if self.data_dir.exists() else []
