"""One process with a log, a file that remembers it, and a certain end."""

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

# signals with the seconds that each is given; SIGKILL follows the last
StopSignals = tuple[tuple[signal.Signals, float], ...]

_LOG_BYTES = 10 * 1024 * 1024
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Recipe:
    """What to start, and how it is asked to stop."""

    name: str
    command: Sequence[str | Path]
    log_path: Path
    pid_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    uid: int | None = None
    stop_signals: StopSignals = ((signal.SIGTERM, 10.0),)


class ManagedProcess:
    """A child in a session of its own, so that a terminal's Ctrl-C reaches only us."""

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
        """Start it; one that an earlier, killed run of ours left behind is stopped first."""
        if self.running:
            raise StackError(f"{self.recipe.name} is running already")
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
        """Ask it to end, then make it; returns when the whole family is gone."""
        self._end(self.recipe.stop_signals)

    def hurry(self) -> None:
        """Send the last of its signals (SIGKILL if it has one only) and return; safe in a signal handler."""
        if self._process is not None and not self._reaped:
            signals = self.recipe.stop_signals
            self._process.send_signal(signals[-1][0] if len(signals) > 1 else signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to it and to all that it started."""
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
        """Clear up after one that has ended: its children, the guard's note, the file that remembers it."""
        if self._process is not None and not self._reaped and self._process.poll() is not None:
            self._reaped = True
            kill_group(self._process.pid)
            guard.forget(self._process.pid)
            self.recipe.pid_path.unlink(missing_ok=True)

    def stop_leftover(self) -> None:
        """End a process that an earlier run started and could not stop."""
        stop_remembered(self.recipe.pid_path, self.recipe.stop_signals)

    def wait_until(self, ready: Callable[[], bool], seconds: float, cancelled: Event | None = None) -> None:
        """Return when `ready()`; raise `StackError` if it ends or takes too long, `Interrupted` when `cancelled`."""
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
        """The end of its log, with the log's place."""
        return last_words(self.recipe.log_path, lines)


def last_words(log_path: Path, lines: int = 12) -> str:
    """The end of a log, with its place."""
    text = log_path.read_text(errors="replace") if log_path.exists() else ""
    return "\n".join([f"  (log: {log_path})", *(f"  | {line}" for line in text.splitlines()[-lines:])])


def rotate(log_path: Path) -> None:
    """Put a log that has grown large aside; one older log is kept."""
    if log_path.exists() and log_path.stat().st_size > _LOG_BYTES:
        log_path.replace(log_path.with_name(log_path.name + ".1"))


def remember(pid_path: Path, pid: int) -> None:
    """Write down a process so that a later run can tell it from another one with the same number."""
    pid_path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pid_path.write_text(f"{pid} {psutil.Process(pid).create_time():.2f}\n")
    except psutil.NoSuchProcess:
        pid_path.unlink(missing_ok=True)


def remembered(pid_path: Path) -> psutil.Process | None:
    """The process that `remember` wrote down, if it still runs."""
    try:
        pid, created = pid_path.read_text().split()
        process = psutil.Process(int(pid))
        # clocks are adjusted while machines run, hence the second; a reboot is always further away
        return process if abs(process.create_time() - float(created)) < 1 and is_alive(process) else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def stop_remembered(pid_path: Path, signals: StopSignals) -> None:
    """End the process that `remember` wrote down, if it still runs, with all that it started."""
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
    """Whether it runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_group(leader: int) -> None:
    """SIGKILL to what is left of a process group whose leader has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_all(processes: list[psutil.Process]) -> None:
    """SIGKILL to those that still run; returns when they are gone."""
    alive = [process for process in processes if is_alive(process)]
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(alive, 10)


def wait_gone(processes: list[psutil.Process], seconds: float) -> None:
    """Return when none of them runs, or when the time is up (`psutil.wait_procs` would wait for zombies, too)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(is_alive(process) for process in processes):
        time.sleep(_POLL_SECONDS)


def processes_in(directory: Path, name: str) -> list[psutil.Process]:
    """Running processes of this program name whose working directory this is."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == name and directory.samefile(process.cwd()) and is_alive(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone meanwhile
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
