"""The background loaders: child processes of the API that load the uploads with `use_celery=false`.

Processes and not threads, so that the API goes on answering while a million rows are parsed. Each is started warm with
the API, gets one upload id per line on its standard input, and ends when that is closed: also when the API is killed.
Once a second it writes a byte into a pipe; one that is silent for a lease hangs, and is replaced.
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
# A loader that is told to end finishes the batch in its hands, which takes about a second.
_END_SECONDS: Final = 8.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0
_START_SECONDS: Final = 90  # importing pandas on a busy machine with a cold disk
_LEAST_SILENCE_SECONDS: Final = 10


class BackgroundLoaders:
    """As many as may work on one upload side by side; all are told of each, and whoever is first begins."""

    def __init__(self, settings: Settings) -> None:
        self._loaders = [BackgroundLoader(settings) for _ in range(settings.parallelism)]

    def notify(self, upload_id: uuid.UUID) -> bool:
        """Tell all; False if none could be told."""
        told = [loader.notify(upload_id) for loader in self._loaders]
        return any(told)

    def close(self) -> None:
        """End all at once."""
        with ThreadPoolExecutor(len(self._loaders)) as executor:
            list(executor.map(BackgroundLoader.close, self._loaders))


class BackgroundLoader:
    """Notifier, starter and watcher of one child process."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {**os.environ, **_environment_of(settings)}
        self._silence_seconds = max(settings.lease_seconds, _LEAST_SILENCE_SECONDS)
        self._is_closing = threading.Event()
        self._lock = threading.Lock()
        self._heartbeats: int | None
        self._process, self._heartbeats = self._start()
        self._watcher = threading.Thread(target=self._watch, name="background-loader", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Process id of the present child."""
        return self._process.pid

    def notify(self, upload_id: uuid.UUID) -> bool:
        """Write the id to the child's input; a full or broken pipe is left to the sweep."""
        try:
            with self._lock:
                # The pipe does not block and a line is far below PIPE_BUF: it goes in whole or not at all.
                os.write(_stdin_of(self._process), f"{upload_id}\n".encode())
        except (OSError, ValueError) as error:  # ValueError: closed on our side
            log.warning(
                "notification_failed", notifier="background", upload_id=str(upload_id), error=type(error).__name__
            )
            return False
        log.info("rung", notifier="background", upload_id=str(upload_id))
        return True

    def close(self) -> None:
        """End the child: no more input, SIGTERM so that it gives back what it has, and in the end SIGKILL."""
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
        """The process, and the end of a pipe where it can be heard."""
        heard, spoken = os.pipe()
        try:
            # It stays in the API's process group: whoever kills the group gets the child, too.
            process = subprocess.Popen(  # noqa: S603  the command is ours
                [*COMMAND, str(spoken)],
                stdin=subprocess.PIPE,
                pass_fds=(spoken,),
                env=self._environment,
                bufsize=0,
            )
        except OSError:
            os.close(heard)
            raise
        finally:
            os.close(spoken)
        os.set_blocking(_stdin_of(process), False)
        log.info("background_loader_started", pid=process.pid)
        return process, heard

    def _watch(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            exit_code = self._wait_for_end()
            if time.monotonic() - started > _LONGEST_PAUSE_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS  # it had worked for a while: this is no loop of crashes
            if self._is_closing.wait(pause_seconds):
                return
            log.error("background_loader_died", pid=self._process.pid, exit_code=exit_code)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            self._restart()

    def _wait_for_end(self) -> int:
        """Return the exit code of the child, which is killed if it hangs."""
        if self._heartbeats is None:  # it could not be started
            return self._process.wait()
        poll, silent_seconds, limit = select.poll(), 0, float(_START_SECONDS)
        poll.register(self._heartbeats, select.POLLIN)
        while silent_seconds < limit:
            # Seconds are counted one by one: if we ourselves were stopped, that was not the child's silence.
            if not poll.poll(1000):
                silent_seconds += 1
            elif os.read(self._heartbeats, 4096):
                silent_seconds, limit = 0, self._silence_seconds
            else:  # closed: it has ended
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


def _environment_of(settings: Settings) -> dict[str, str]:
    # The child reads its settings like every process of ours; it must get those that the API was created with.
    own_names = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}
    values = settings.model_dump(mode="json", exclude={"cors_origins", "allowed_hosts", "trusted_proxies"})
    return {own_names.get(name, f"INGEST_{name.upper()}"): str(value) for name, value in values.items()}
