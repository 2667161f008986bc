"""Sources as a table, and pulls: a line for each."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.client.client_errors import Json
from cli.rendering.formatting import minute, printable, size


def sources(answer: Json) -> RenderableType:
    """A line for each source: its address, how often it is pulled, and when next."""
    table = Table(title=Text("sources", "bold"), title_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("address", overflow="fold")
    for name in ("dataset", "every", "next"):
        table.add_column(name, no_wrap=True)
    for source in answer["items"]:
        every = "" if source["every_minutes"] is None else f"{source['every_minutes']:,} min"
        following = "" if source["next_run_at"] is None else minute(source["next_run_at"])
        row = (source["name"], source["url"], source["dataset"] or "", every, following)
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def pulls(page: Json) -> RenderableType:
    """A line for each pull of a source, the newest first."""
    table = Table(title=Text(f"{page['total']:,} pulls", "bold"), title_justify="left")
    for name in ("asked for", "state", "size", "upload"):
        table.add_column(name, no_wrap=True)
    table.add_column("error", overflow="fold")
    for found in page["items"]:
        error = "" if found["error"] is None else f"{found['error']['code']}: {found['error']['message']}"
        fetched = "" if found["size_bytes"] is None else size(found["size_bytes"])
        row = (minute(found["created_at"]), found["state"], fetched, found["upload_id"] or "", error)
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def pull(found: Json) -> RenderableType:
    """What has become of a pull, in a sentence or two."""
    text = f"{found['filename']}: {found['state']}"
    if found["upload_id"] is not None:
        text += f", upload {found['upload_id']}"
    if found["error"] is not None:
        text += f" ({found['error']['code']}: {found['error']['message']})"
    return Text(printable(text))
