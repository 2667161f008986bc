"""Lists as tables: uploads, history, rejects, keys, partitions and movies.

Every text from a file is escaped for the terminal.
"""

from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cli.client.client_errors import Json
from cli.rendering.formatting import count, minute, printable
from cli.rendering.outcome import STYLES, Outcome, outcome_of
from shared.database.state_machine import UploadState

# The width without a terminal: enough for a full upload id beside the numbers.
_PLAIN_WIDTH = 160
_LONGEST_CELL = 120
_STATE_STYLES: dict[str, str] = {
    UploadState.QUEUED: "cyan",
    UploadState.LOADING: "cyan",
    UploadState.PLANNED: "cyan",
    UploadState.COMPLETED: "green",
    UploadState.FAILED: "bold red",
    UploadState.CANCELLED: "yellow",
    UploadState.UNDONE: "yellow",
}


def console(*, stderr: bool = False) -> Console:
    """A console on stdout or stderr. Without a terminal it is wide enough for all tables."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=_PLAIN_WIDTH)


def uploads(page: Json) -> RenderableType:
    """A page of uploads, one line for each."""
    table = _table("uploads", page)
    table.add_column("id", no_wrap=True, overflow="fold")
    table.add_column("file", overflow="fold")
    table.add_column("dataset", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for name in ("read", "loaded", "rejected", "duplicate"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("created (UTC)", no_wrap=True)
    for upload in page["items"]:
        records = upload["records"]
        table.add_row(
            upload["id"],
            _cell(upload["filename"]),
            upload["dataset"],
            state(upload),
            *(count(records[name]) for name in ("read", "loaded", "rejected", "duplicate")),
            minute(upload["created_at"]),
        )
    return table


def history(page: Json) -> RenderableType:
    """The history of an upload, oldest event first."""
    table = Table(title=Text("history", "bold"), title_justify="left")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("event", no_wrap=True, style="cyan")
    table.add_column("reason", overflow="fold")
    for event in page["items"]:
        table.add_row(event["at"][:23].replace("T", " "), event["event"], _cell(event["reason"]))
    return table


def duplicates(page: Json) -> RenderableType:
    """A page of records that repeat a key: their line, and the line that has the key."""
    table = _table("duplicates", page)
    table.add_column("line", justify="right", style="bold")
    table.add_column("repeats line", justify="right", style="cyan")
    for record in page["items"]:
        table.add_row(count(record["line_number"]), count(record["first_line"]))
    return table


def changes(page: Json) -> RenderableType:
    """A page of changes: the record's line, and field by field what it was and what it is."""
    table = _table("changes", page)
    table.add_column("change", style="yellow", no_wrap=True)
    table.add_column("key")
    table.add_column("line", justify="right", style="bold")
    table.add_column("field", style="cyan")
    table.add_column("before", overflow="fold", ratio=1, style="red")
    table.add_column("after", overflow="fold", ratio=1, style="green")
    for change in page["items"]:
        before, after = change["before"] or {}, change["after"] or {}
        names = change["fields"] or [name for name in (after or before) if not name.startswith("_")]
        shown = [name for name in names if before.get(name) is not None or after.get(name) is not None]
        line = "" if change["line"] is None else count(change["line"])
        key = ", ".join(map(_shown, change["key"].values()))
        for position, name in enumerate(shown or [""]):
            head = (change["change"], _cell(key), line) if position == 0 else ("", "", "")
            table.add_row(*head, _cell(name), _cell(_shown(before.get(name))), _cell(_shown(after.get(name))))
    return table


def rejects(page: Json) -> RenderableType:
    """A page of rejects: line, column, rule, message, the cell's text and the hint."""
    table = _table("rejects", page)
    table.add_column("line", justify="right", style="bold")
    table.add_column("column", style="cyan")
    table.add_column("rule", style="yellow")
    table.add_column("message", overflow="fold", ratio=3)
    table.add_column("value", overflow="fold", ratio=2, style="red")
    table.add_column("hint", overflow="fold", ratio=2, style="green")
    for reject in page["items"]:
        table.add_row(
            count(reject["line_number"]),
            _cell(reject["column"]),
            reject["code"],
            _cell(reject["message"]),
            _cell(reject["value"]),
            _cell(reject["hint"]),
        )
    return table


def summary(page: Json) -> RenderableType:
    """How often each rule was broken, most frequent first."""
    table = Table(title=Text("rejects by rule", "bold"), title_justify="left")
    table.add_column("column", style="cyan")
    table.add_column("rule", style="yellow")
    table.add_column("records", justify="right")
    table.add_column("first lines", style="dim")
    for group in page["summary"]:
        lines = ", ".join(str(sample["line_number"]) for sample in group["samples"])
        table.add_row(_cell(group["column"]), group["code"], count(group["count"]), lines)
    return table


def keys(page: Json) -> RenderableType:
    """API keys, oldest first. The table contains no secrets."""
    table = Table(title=Text("keys", "bold"), title_justify="left")
    for name in ("id", "name", "tenants", "scopes", "state", "created (UTC)", "expires", "last used"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for key in page["items"]:
        table.add_row(
            key["id"],
            _cell(key["name"]),
            " ".join(key["tenants"]),
            " ".join(key["scopes"]),
            key["state"],
            *(minute(key[name] or "") for name in ("created_at", "expires_at", "last_used_at")),
        )
    return table


def leaves(collections: list[Json]) -> RenderableType:
    """How many partitions the large uploads of collections have, and where a merge is under way."""
    table = Table(title=Text("partitions of large uploads", "bold"), title_justify="left")
    for name in ("tenant", "dataset"):
        table.add_column(name, overflow="fold")
    for name in ("partitions", "rows copied by a merge"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in collections:
        copied = "" if each["copied_records"] is None else count(each["copied_records"])
        table.add_row(each["tenant"], each["dataset"], count(each["leaves"]), copied)
    return table


def movies(page: Json) -> RenderableType:
    """A page of movies."""
    table = _table("movies", page)
    table.add_column("release", no_wrap=True)
    table.add_column("title", style="bold", overflow="fold")
    table.add_column("lang", no_wrap=True)
    for name in ("runtime", "vote", "votes", "budget", "revenue"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("id", justify="right", style="dim", no_wrap=True)
    for movie in page["items"]:
        table.add_row(
            movie["release_date"] or _number(movie["release_year"], "d"),
            _title(movie),
            movie["original_language"] or "",
            _number(movie["runtime"], ","),
            _number(movie["vote_average"], ".1f"),
            _number(movie["vote_count"], ","),
            _number(movie["budget"], ","),
            _number(movie["revenue"], ","),
            str(movie["id"]),
        )
    return table


def rows(page: Json) -> RenderableType:
    """A page of rows: a column for each field that any of them has, then the upload and the line."""
    items = page["items"]
    names = [name for name in (items[0] if items else {}) if not name.startswith("_")]
    shown = [name for name in names if any(item[name] is not None for item in items)]
    table = _table("rows", page)
    for name in shown:
        table.add_column(Text(printable(name)), overflow="fold")
    for name in ("upload", "line"):
        table.add_column(name, style="dim", no_wrap=True)
    for item in items:
        cells = [_cell(_shown(item[name])) for name in shown]
        table.add_row(*cells, str(item["_upload_id"] or "")[:8], str(item["_line"] or ""))
    return table


def references(answer: Json) -> RenderableType:
    """A line for each reference, and how many rows dangle."""
    table = Table(title=Text("references", "bold"), title_justify="left")
    table.add_column("field", style="cyan")
    table.add_column("refers to")
    table.add_column("rows that refer to nothing", justify="right")
    for item in answer["items"]:
        table.add_row(item["field"], f"{item['table']}.{item['target_field']}", count(item["dangling"]))
    return table


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _table(name: str, page: Json) -> Table:
    shown, total = len(page["items"]), page["total"]
    caption = f"{count(shown)} of {count(total)}"
    if page.get("next_cursor"):
        caption += f", more: --cursor {page['next_cursor']}"
    elif "page" in page and page["page"] * page["page_size"] < total:
        caption += f", more: --page {page['page'] + 1}"
    return Table(title=Text(name, "bold"), title_justify="left", caption=caption, caption_justify="left")


def state(upload: Json) -> Text:
    """The state of an upload in its colour, and whether it is partial."""
    if outcome_of(upload) is Outcome.PARTIAL:
        return Text(f"{upload['state']}, {Outcome.PARTIAL}", STYLES[Outcome.PARTIAL])
    return Text(upload["state"], _STATE_STYLES.get(upload["state"], ""))


def _title(movie: Json) -> Text:
    title = _cell(movie["title"])
    if movie["original_title"] and movie["original_title"] != movie["title"]:
        title.append(f" ({printable(movie['original_title'])})", "dim not bold")
    return title


def _cell(value: str | None) -> Text:
    text = printable(value or "")
    return Text(text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…")


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
