"""The background loaders: child processes of the API that load uploads with `use_celery=false`.

They are processes and not threads, so that the API can answer while a million rows are parsed. They start together with
the API, so that they are warm for the first upload. A loader reads one upload id per line from its standard input and
ends when that is closed, which also happens when the API is killed. Once a second it writes a byte, its heartbeat, into
a pipe; the API kills and replaces a loader that stays silent for a lease.
"""

import os
import select
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from shared.settings import Settings

log = structlog.get_logger()

COMMAND: Final = (sys.executable, "-m", "shared.ingest.loading.background_process")
# A loader that should end finishes its current batch first, which takes about a second.
_END_SECONDS: Final = 8.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0
_START_SECONDS: Final = 90  # importing pandas on a busy machine with a cold disk
_LEAST_SILENCE_SECONDS: Final = 10


class BackgroundLoaders:
    """As many loaders as may work on one upload in parallel. All are notified of each upload; the first begins it."""

    def __init__(self, settings: Settings, metrics_end: int | None = None) -> None:
        """`metrics_end`: where the loaders write what they measure, if anybody reads it."""
        self._loaders = [BackgroundLoader(settings, metrics_end) for _ in range(settings.parallelism)]

    def notify(self, upload_id: uuid.UUID) -> bool:
        """Notify all loaders; False if none could be notified."""
        notified = [loader.notify(upload_id) for loader in self._loaders]
        return any(notified)

    def close(self) -> None:
        """End all loaders at the same time."""
        with ThreadPoolExecutor(len(self._loaders)) as executor:
            list(executor.map(BackgroundLoader.close, self._loaders))


class BackgroundLoader:
    """Starts, watches, restarts and notifies one child process."""

    def __init__(self, settings: Settings, metrics_end: int | None = None) -> None:
        self._environment = environment_of(settings)
        self._metrics_ends = () if metrics_end is None else (metrics_end,)
        self._silence_seconds = max(settings.lease_seconds, _LEAST_SILENCE_SECONDS)
        self._is_closing = threading.Event()
        self._lock = threading.Lock()
        self._heartbeats: int | None
        self._process, self._heartbeats = self._start()
        self._watcher = threading.Thread(target=self._watch, name="background-loader", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Process id of the current child."""
        return self._process.pid

    def notify(self, upload_id: uuid.UUID) -> bool:
        """Write the id to the child's input; False if the pipe is full or broken (the sweep will notify again)."""
        try:
            with self._lock:
                # The pipe does not block and a line is far shorter than PIPE_BUF, so it is written whole or not at all.
                os.write(_stdin_of(self._process), f"{upload_id}\n".encode())
        except (OSError, ValueError) as error:  # ValueError: closed on our side
            log.warning(
                "notification_failed", notifier="background", upload_id=str(upload_id), error=type(error).__name__
            )
            return False
        log.info("notified", notifier="background", upload_id=str(upload_id))
        return True

    def close(self) -> None:
        """End the child: close its input, send SIGTERM so that it gives back its batch, and in the end SIGKILL."""
        self._is_closing.set()
        with self._lock:
            process = self._process
            if process.stdin is not None:
                process.stdin.close()
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("background_loader_killed", pid=process.pid)
            process.kill()
            process.wait()
        self._watcher.join(_END_SECONDS)
        log.info("background_loader_stopped", pid=process.pid, exit_code=process.returncode)

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        """The process, and the reading end of its heartbeat pipe."""
        reading_end, writing_end = os.pipe()
        try:
            # The child stays in the API's process group, so that a signal to the group also reaches it.
            process = subprocess.Popen(  # noqa: S603  the command is ours
                [*COMMAND, str(writing_end), *map(str, self._metrics_ends)],
                stdin=subprocess.PIPE,
                pass_fds=(writing_end, *self._metrics_ends),
                env=self._environment,
                bufsize=0,
            )
        except OSError:
            os.close(reading_end)
            raise
        finally:
            os.close(writing_end)
        os.set_blocking(_stdin_of(process), False)
        log.info("background_loader_started", pid=process.pid)
        return process, reading_end

    def _watch(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            exit_code = self._wait_for_end()
            if time.monotonic() - started > _LONGEST_PAUSE_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS  # it worked for a while, so it is not crashing in a loop
            if self._is_closing.wait(pause_seconds):
                return
            log.error("background_loader_died", pid=self._process.pid, exit_code=exit_code)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            self._restart()

    def _wait_for_end(self) -> int:
        """Wait for the end of the child and return its exit code; kill it if it hangs."""
        if self._heartbeats is None:  # the child could not be started
            return self._process.wait()
        poll, silent_seconds, limit = select.poll(), 0, float(_START_SECONDS)
        poll.register(self._heartbeats, select.POLLIN)
        while silent_seconds < limit:
            # Count the seconds one by one: if the API itself was stopped for a while, the child was not silent.
            if not poll.poll(1000):
                silent_seconds += 1
            elif os.read(self._heartbeats, 4096):
                silent_seconds, limit = 0, self._silence_seconds
            else:  # closed: the child has ended
                break
        else:
            log.error("background_loader_hangs", pid=self._process.pid, silent_seconds=silent_seconds)
            self._process.kill()
        os.close(self._heartbeats)
        self._heartbeats = None
        return self._process.wait()

    def _restart(self) -> None:
        with self._lock:
            if self._is_closing.is_set():
                return
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                self._process, self._heartbeats = self._start()
            except OSError as error:
                log.error("background_loader_not_started", error=type(error).__name__)


def _stdin_of(process: subprocess.Popen[bytes]) -> int:
    if process.stdin is None:
        raise ValueError
    return process.stdin.fileno()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a child with these settings, which it reads from there like every process."""
    own_names = {
        "database_url": "DATABASE_URL",
        "redis_url": "REDIS_URL",
        "otel_exporter_otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
        "sentry_dsn": "SENTRY_DSN",
    }
    values = settings.model_dump(mode="json", exclude={name for name, value in settings if isinstance(value, tuple)})
    own = {own_names.get(name, f"INGEST_{name.upper()}"): str(value) for name, value in values.items()}
    return {**os.environ, **own}
