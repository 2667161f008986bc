"""Progress: a bar on a terminal, a few plain lines elsewhere, nothing with `--json`."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.formatting import count, size

_BAR_CELLS = 30
_PLAIN_STEP_PERCENT = 25


class ProgressView(Protocol):
    """Shows the progress of phases that follow each other."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, phase: str, done: int, total: int, note: str) -> None:
        """Show `done` of `total` bytes of `phase`, with `note` after them."""


def progress_view(console: Console, *, silent: bool) -> ProgressView:
    """The view for the output that `console` writes to."""
    if silent:
        return _Silent()
    return _Bars(console) if console.is_terminal else _Lines(console)


class _Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, phase: str, done: int, total: int, note: str) -> None: ...


class _Bars:
    """One bar per phase; a bar is full as soon as the next phase begins."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=_BAR_CELLS, complete_style="cyan", finished_style="green"),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}[/]"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, phase: str, done: int, total: int, note: str) -> None:
        if phase not in self._tasks:
            for task in self._progress.tasks:
                self._progress.update(task.id, completed=task.total)
            self._tasks[phase] = self._progress.add_task(phase, note="", total=None)
        self._progress.update(self._tasks[phase], completed=done, total=max(total, 1), note=note)


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

    def show(self, phase: str, done: int, total: int, note: str) -> None:
        percent = min(100, done * 100 // max(total, 1))
        step = (phase, percent // _PLAIN_STEP_PERCENT)
        if step == self._last:
            return
        self._last = step
        filled = "#" * (percent * _BAR_CELLS // 100)
        line = f"{phase:<10} [{filled:.<{_BAR_CELLS}}] {percent:>3} %  {note}"
        self._console.print(line, markup=False, highlight=False)


def sending_note(done: int, total: int) -> str:
    """The note after the bar while bytes are sent."""
    return f"{size(done)} of {size(total)}"


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
