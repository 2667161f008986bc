"""The stack in the foreground: `imdb-ingest up`."""

import os
import signal
import sys
import time
from collections import deque
from pathlib import Path
from threading import Event
from types import FrameType, TracebackType
from typing import Any

from sqlalchemy.engine import make_url

from stack.local import LocalStack, Member
from stack.ports import LOCALHOST
from stack.services import Service
from stack.stack_errors import Interrupted, StackError

DEFAULT_FLOWER_PORT = 5555

_POLL_SECONDS = 0.2
_RESTARTS, _WINDOW_SECONDS = 5, 60.0
_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.5, 8.0


def run(
    port: int = 8000,
    data_dir: Path = Path("data"),
    flower_port: int | None = None,
    worker_concurrency: int = 2,
    host: str = LOCALHOST,
    *,
    flower: bool = True,
    scheduler: bool = False,
) -> int:
    """Run the whole platform until Ctrl-C or SIGTERM; returns exit code 0, or 1 after an error.

    With `flower_port` None, Flower takes `DEFAULT_FLOWER_PORT`, or another port if that is in use. If `DATABASE_URL` or
    `REDIS_URL` is set in the environment, the stack uses that server instead of starting its own.
    """
    try:
        stack = LocalStack(
            data_dir,
            host=host,
            api_port=port,
            scheduler=scheduler,
            flower=flower,
            flower_port=DEFAULT_FLOWER_PORT if flower_port is None else flower_port,
            flower_may_move=flower_port is None,
            worker_concurrency=worker_concurrency,
            database_url=_address("DATABASE_URL"),
            redis_url=_address("REDIS_URL"),
        )
        with Signals(stack) as stop:
            _run(stack, stop)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(stack: LocalStack, stop: Event) -> None:
    try:
        for name, url in (("postgres", _address("DATABASE_URL")), ("redis", _address("REDIS_URL"))):
            if url is not None:
                _say(name, f"{make_url(url).render_as_string(hide_password=True)}  (given)")
        stack.start(_say, stop)
        _say("ready", stack.api_url)
        watched = [Watched(member, stop) for member in stack.members]
        while not stop.wait(_POLL_SECONDS):
            for child in watched:
                child.look_after()
    except Interrupted:
        _say("stopped", "before everything had started")
    else:
        _say("stopping", "press Ctrl-C again to stop at once")
        stack.stop()
        _say("stopped", "all")
    finally:
        stack.stop()


class Signals:
    """The first Ctrl-C or SIGTERM sets the event, the next one makes the stack stop at once."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._stop = Event()
        self._earlier: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Event:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._earlier[number] = signal.signal(number, self._handle)
        return self._stop

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            self._stack.hurry()
        self._stop.set()


class Watched:
    """A child process that is started again when it ends. If it ends too often, the stack ends."""

    def __init__(self, member: Member, stop: Event) -> None:
        self._member = member
        self._stop = stop
        self._ends: deque[float] = deque(maxlen=_RESTARTS + 1)
        self._restart_at: float | None = None

    def look_after(self) -> None:
        """Restart the child if it has ended and its pause is over; raises `StackError` if it ended too often."""
        now = time.monotonic()
        if self._restart_at is None:
            if not self._member.running:
                self._note_end(now)
        elif now >= self._restart_at:
            self._restart_at = None
            self._start(now)

    def _note_end(self, now: float) -> None:
        process = self._member.process
        process.reap()
        self._ends.append(now)
        if len(self._ends) > _RESTARTS and now - self._ends[0] < _WINDOW_SECONDS:
            raise StackError(
                f"{self._member.name} ended {len(self._ends)} times within a minute\n{process.last_words()}"
            )
        recent = sum(now - end < _WINDOW_SECONDS for end in self._ends)
        pause = min(_BACKOFF_SECONDS * 2 ** (recent - 1), _LONGEST_BACKOFF_SECONDS)
        self._restart_at = now + pause
        _say(self._member.name, f"ended ({_ending(process.exit_code)}), restarting in {pause:.1f} s")

    def _start(self, now: float) -> None:
        try:
            if isinstance(self._member, Service):
                self._member.start()
            else:
                self._member.start(self._stop)
        except StackError as error:
            _say(self._member.name, f"did not start: {error}")
            self._note_end(now)
        else:
            _say(self._member.name, "restarted")


def _address(variable: str) -> str | None:
    return os.environ.get(variable) or os.environ.get(f"INGEST_{variable}") or None


def _ending(exit_code: int | None) -> str:
    if exit_code is None:
        return "it was not running"
    return signal.Signals(-exit_code).name if exit_code < 0 else f"code {exit_code}"


def _say(name: str, text: str) -> None:
    """Print one line. Programs read the line `ready http://...`, too."""
    sys.stdout.write(f"ready {text}\n" if name == "ready" else f"{name:<9} {text}\n")
    sys.stdout.flush()
