"""One upload: its record counts, its warnings, all of it, and a line for each of several."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.choices import WriteMode
from cli.client.client_errors import Json
from cli.client.session import error_lines
from cli.rendering.error_guide import advice_on
from cli.rendering.formatting import count, elapsed_seconds, printable, size
from cli.rendering.outcome import STYLES, Command, Outcome, last_lines
from cli.rendering.problem_text import member_lines
from cli.rendering.render_lists import history, state
from cli.sending.uploading import Result

_SIGNS: Final = {
    Outcome.STORED: "…",
    Outcome.PLANNED: "?",
    Outcome.COMPLETED: "✓",
    Outcome.PARTIAL: "!",
    Outcome.FAILED: "✗",
    Outcome.REFUSED: "✗",
}
_MOST_LINES: Final = 10
_WIDEST_NAME: Final = 48
# What `details` shows in a form of its own.
_SHAPED: Final = {
    *("id", "filename", "dataset", "size_bytes", "records", "started_at", "finished_at", "error", "state", "phase"),
    *("progress", "links", "warnings", "deduplicated", "counts", "plan"),
}


def counts(upload: Json) -> RenderableType:
    """The state of an upload and its record counts."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    for name, value in _count_lines(upload):
        grid.add_row(name, value)
    title = Text.assemble((printable(upload["filename"]), "bold"), " ", state(upload))
    return Panel(grid, title=title, title_align="left", expand=False)


def warnings(upload: Json) -> list[Text]:
    """A line for each warning of an upload: what was noticed, how often and where."""
    return [_warning(warning) for warning in upload.get("warnings") or []]


def summary(upload: Json, command: Command) -> list[RenderableType]:
    """What is shown of an upload that was sent: record counts, warnings, and its outcome in a sentence."""
    return [counts(upload), *warnings(upload), *last_lines(upload, command)]


def details(upload: Json, events: Json, command: Command) -> list[RenderableType]:
    """All of an upload: `summary`, and what the API says besides, advice on its error, possible actions, `events`."""
    advice = [_advice(upload["error"]["code"])] if upload["error"] else []
    return [
        counts(upload),
        *warnings(upload),
        *_members(upload),
        *advice,
        history(events),
        *_actions(upload, command),
        *last_lines(upload, command),
    ]


def result(result: Result, command: Command, width: int, api_url: str) -> Iterator[Text]:
    """What became of one of several files: a line, and more if it was refused or has warnings."""
    sign = f"{_SIGNS[result.outcome]} {printable(result.file.path):<{min(width, _WIDEST_NAME)}}  "
    lines = error_lines(result.error, api_url) if result.error else []
    if result.upload is not None:
        lines = [*last_lines(result.upload, command), *warnings(result.upload)]
    first, *more = lines
    yield Text.assemble((sign, STYLES[result.outcome]), first)
    yield from (Text.assemble("  ", line) for line in more)


def skipped(paths: list[str]) -> Text:
    """What is not sent of directories, by name."""
    others = [f"and {count(len(paths) - _MOST_LINES)} others"] if len(paths) > _MOST_LINES else []
    return Text(f"Skipped: {', '.join([*map(printable, paths[:_MOST_LINES]), *others])}", "dim")


def _count_lines(upload: Json) -> Iterable[tuple[str, Text]]:
    records, seconds = upload["records"], elapsed_seconds(upload)
    yield "id", Text(upload["id"])
    yield "dataset", Text(upload["dataset"])
    yield "size", Text(size(upload["size_bytes"]))
    yield "records read", Text(count(records["read"]), "bold")
    yield "loaded", Text(count(records["loaded"]), "green")
    yield "rejected", Text(count(records["rejected"]), "red" if records["rejected"] else "")
    yield "duplicate", Text(count(records["duplicate"]), "yellow" if records["duplicate"] else "")
    if upload.get("counts") and upload.get("mode") != WriteMode.APPEND:
        for name in ("new", "changed", "unchanged", "removed"):
            yield name, Text(count(upload["counts"][name]))
    if seconds is not None:
        yield "seconds", Text(f"{seconds:,.2f}")
        yield "rows/s", Text(count(records["read"] / seconds) if seconds > 0 else "-")
    if upload["error"]:
        yield "error", Text(upload["error"]["code"], "bold red")


def _warning(warning: Json) -> Text:
    number, lines = warning.get("count"), [_lines(span) for span in warning.get("locations") or []]
    notes = [f"{count(number)} times"] if number and number > 1 else []
    if lines:
        shown = ", ".join(lines[:_MOST_LINES]) + (", ..." if len(lines) > _MOST_LINES else "")
        notes.append(f"{'line' if len(lines) == 1 else 'lines'} {shown}")
    note = f" ({'; '.join(notes)})" if notes else ""
    return Text(f"Warning: {printable(str(warning.get('message')))} [{warning.get('code')}]{note}", "yellow")


def _lines(span: Json) -> str:
    first, last = span.get("line"), span.get("to_line")
    return f"{first}" if last in (None, first) else f"{first}-{last}"


def _members(upload: Json) -> Iterator[Text]:
    """What the API says of an upload and no other part shows, as lines; a new member appears by itself."""
    rest: dict[str, Any] = {name: value for name, value in upload.items() if name not in _SHAPED}
    yield from (Text(f"  {line}", "dim") for line in member_lines(rest))


def _advice(code: str) -> RenderableType:
    text = advice_on(code) or "The API explains each code at /errors."
    return Panel(Text(text), title=f"what to do about {code}", title_align="left", expand=False)


def _actions(upload: Json, command: Command) -> Iterator[Text]:
    """The commands that are possible now."""
    links = upload["links"]
    names = [name for name in ("apply", "cancel", "retry", "undo", "changes") if links.get(name)]
    for name in [*names, *(["rejects"] if upload["records"]["rejected"] else [])]:
        yield Text(f"{name:<8} {command(name, upload['id'])}", "cyan")
