"""A managed process: it has a log and a pid file, and it is certain to end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psutil

from stack.guard import guard
from stack.stack_errors import Interrupted, StackError

# the signals to send, each with the seconds to wait after it; SIGKILL follows the last one
StopSignals = tuple[tuple[signal.Signals, float], ...]

_LOG_BYTES = 10 * 1024 * 1024
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Recipe:
    """What to start, and how to stop it."""

    name: str
    command: Sequence[str | Path]
    log_path: Path
    pid_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    uid: int | None = None
    stop_signals: StopSignals = ((signal.SIGTERM, 10.0),)


class ManagedProcess:
    """A child process in a session of its own, so that Ctrl-C in a terminal reaches only us."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._process: subprocess.Popen[bytes] | None = None
        self._reaped = False

    @property
    def pid(self) -> int:
        """Process id; raises `StackError` if it was never started."""
        if self._process is None:
            raise StackError(f"{self.recipe.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As in `subprocess` (negative: the signal that ended it); None while it runs or was never started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it, after stopping a process that an earlier, killed run left behind."""
        if self.running:
            raise StackError(f"{self.recipe.name} is already running")
        self.stop_leftover()
        recipe = self.recipe
        recipe.log_path.parent.mkdir(parents=True, exist_ok=True)
        rotate(recipe.log_path)
        with recipe.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                recipe.command,
                env=dict(recipe.environment) or None,
                cwd=recipe.cwd,
                user=recipe.uid,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._reaped = False
        guard.watch(self.pid, recipe.stop_signals[0][0])
        remember(recipe.pid_path, self.pid)

    def stop(self) -> None:
        """Ask the process to end, then kill it; returns when it and all of its children are gone."""
        self._end(self.recipe.stop_signals)

    def hurry(self) -> None:
        """Send the last of its signals (SIGKILL if there is only one) and return; safe in a signal handler."""
        if self._process is not None and not self._reaped:
            signals = self.recipe.stop_signals
            self._process.send_signal(signals[-1][0] if len(signals) > 1 else signal.SIGKILL)

    def kill(self) -> None:
        """Send SIGKILL to the process and to everything that it started."""
        self._end(())

    def _end(self, signals: StopSignals) -> None:
        if self._process is None or self._reaped:
            return
        family = _family(self._process.pid)
        for number, seconds in signals:
            if self._process.poll() is not None:
                break
            self._process.send_signal(number)
            _wait(self._process, seconds)
        family += [member for member in _family(self._process.pid) if member not in family]
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.reap()
        kill_all(family)

    def reap(self) -> None:
        """Clean up after a process that has ended: kill its children, unregister it, remove the pid file."""
        if self._process is not None and not self._reaped and self._process.poll() is not None:
            self._reaped = True
            kill_group(self._process.pid)
            guard.forget(self._process.pid)
            self.recipe.pid_path.unlink(missing_ok=True)

    def stop_leftover(self) -> None:
        """Stop the process if an earlier run left it behind."""
        stop_remembered(self.recipe.pid_path, self.recipe.stop_signals)

    def wait_until(self, ready: Callable[[], bool], seconds: float, cancelled: Event | None = None) -> None:
        """Return when `ready()`. Raises `StackError` if it ends or takes too long, `Interrupted` if `cancelled`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if cancelled is not None and cancelled.is_set():
                raise Interrupted
            if not self.running:
                raise StackError(f"{self.recipe.name} ended with code {self.exit_code}\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.recipe.name} did not answer in {seconds:.0f} s\n{self.last_words()}")
            time.sleep(_POLL_SECONDS)

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, with the log's path."""
        return last_words(self.recipe.log_path, lines)


def last_words(log_path: Path, lines: int = 12) -> str:
    """The end of a log, with its path."""
    text = log_path.read_text(errors="replace") if log_path.exists() else ""
    return "\n".join([f"  (log: {log_path})", *(f"  | {line}" for line in text.splitlines()[-lines:])])


def rotate(log_path: Path) -> None:
    """Rename a log that has grown large; only one older log is kept."""
    if log_path.exists() and log_path.stat().st_size > _LOG_BYTES:
        log_path.replace(log_path.with_name(log_path.name + ".1"))


def remember(pid_path: Path, pid: int) -> None:
    """Write a pid file with the start time, by which a later run tells the process from one with the same number."""
    pid_path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pid_path.write_text(f"{pid} {psutil.Process(pid).create_time():.2f}\n")
    except psutil.NoSuchProcess:
        pid_path.unlink(missing_ok=True)


def remembered(pid_path: Path) -> psutil.Process | None:
    """The process in the pid file, if it is still running."""
    try:
        pid, created = pid_path.read_text().split()
        process = psutil.Process(int(pid))
        # allow a second, because clocks are adjusted while machines run; a reboot takes longer
        return process if abs(process.create_time() - float(created)) < 1 and is_alive(process) else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def stop_remembered(pid_path: Path, signals: StopSignals) -> None:
    """Stop the process in the pid file, if it is still running, with everything that it started."""
    leftover = remembered(pid_path)
    if leftover is not None:
        family = [leftover, *leftover.children(recursive=True)]
        for number, seconds in signals:
            if is_alive(leftover):
                leftover.send_signal(number)
                wait_gone([leftover], seconds)
        kill_all(family)
    pid_path.unlink(missing_ok=True)


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_group(leader: int) -> None:
    """Send SIGKILL to the rest of a process group whose leader has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_all(processes: list[psutil.Process]) -> None:
    """Send SIGKILL to those that still run; returns when they are gone."""
    alive = [process for process in processes if is_alive(process)]
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(alive, 10)


def wait_gone(processes: list[psutil.Process], seconds: float) -> None:
    """Return when none of them runs, or when the time is over (`psutil.wait_procs` would also wait for zombies)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(is_alive(process) for process in processes):
        time.sleep(_POLL_SECONDS)


def processes_in(directory: Path, name: str) -> list[psutil.Process]:
    """Running processes with this program name and this working directory."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == name and directory.samefile(process.cwd()) and is_alive(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # of another user, or gone meanwhile
    return found


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
