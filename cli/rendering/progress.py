"""Progress: a bar on a terminal, a few plain lines elsewhere, nothing with `--json`."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from cli.rendering.formatting import count, size

_BAR_CELLS = 30
_PLAIN_STEP_PERCENT = 25
_PLAIN_STEP_BYTES = 64 * 1024 * 1024


class ProgressView(Protocol):
    """Shows the progress of phases that follow each other."""

    def show(self, phase: str, done: int, total: int | None, note: str) -> None:
        """Show `done` of `total` bytes (None: nobody knows how many) of `phase`, with `note` after them."""


def progress_view(
    console: Console, *, silent: bool, is_transient: bool = False
) -> AbstractContextManager[ProgressView]:
    """The view for the output that `console` writes to. `is_transient`: it leaves nothing on a terminal."""
    if silent:
        return _Silent()
    return _Bars(console, is_transient=is_transient) if console.is_terminal else _Lines(console)


class _Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, phase: str, done: int, total: int | None, note: str) -> None: ...


class _Bars:
    """One bar per phase; a bar is full as soon as the next phase begins."""

    def __init__(self, console: Console, *, is_transient: bool) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=_BAR_CELLS, complete_style="cyan", finished_style="green"),
            _Percent(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}[/]"),
            console=console,
            transient=is_transient,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, phase: str, done: int, total: int | None, note: str) -> None:
        if phase not in self._tasks:
            for task in self._progress.tasks:
                self._progress.update(task.id, completed=task.total or task.completed, total=task.total or 1)
            self._tasks[phase] = self._progress.add_task(phase, note="", total=None)
        shown_total = None if total is None else max(total, 1)
        self._progress.update(self._tasks[phase], completed=done, total=shown_total, note=note)


class _Percent(ProgressColumn):
    """The share that is done; nothing while the whole is not known."""

    def render(self, task: Task) -> Text:
        return Text(" " * 5 if task.total is None else f"{task.percentage:>3.0f} %")


class _Lines:
    """A line when a phase begins, at each quarter, and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, phase: str, done: int, total: int | None, note: str) -> None:
        percent = 0 if total is None else min(100, done * 100 // max(total, 1))
        step = (phase, done // _PLAIN_STEP_BYTES if total is None else percent // _PLAIN_STEP_PERCENT)
        if step == self._last:
            return
        self._last = step
        filled = "#" * (percent * _BAR_CELLS // 100)
        bar = "" if total is None else f"[{filled:.<{_BAR_CELLS}}] {percent:>3} %  "
        self._console.print(f"{phase:<10} {bar}{note}", markup=False, highlight=False)


def sending_note(done: int, total: int | None) -> str:
    """The note after the bar while bytes are sent."""
    return size(done) if total is None else f"{size(done)} of {size(total)}"


def loading_note(read: int, rejected: int, per_second: float | None, eta_seconds: float | None) -> str:
    """The note after the bar while records are loaded."""
    parts = [f"{count(read)} records"]
    if rejected:
        parts.append(f"{count(rejected)} rejected")
    if per_second:
        parts.append(f"{count(per_second)}/s")
    if eta_seconds:
        parts.append(f"{count(eta_seconds)} s left")
    return ", ".join(parts)
