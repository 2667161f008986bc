"""Tenants as a table."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.client.client_errors import Json
from cli.rendering.formatting import count, printable


def tenants(answer: Json) -> RenderableType:
    """A line for each tenant: its uploads, its visible rows of all datasets, and its default file."""
    table = Table(title=Text("tenants", "bold"), title_justify="left")
    table.add_column("tenant", no_wrap=True)
    for name in ("uploads", "rows"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("default file", overflow="fold")
    table.add_column("of dataset", overflow="fold")
    for tenant in answer["items"]:
        default = tenant["default_file"] or {}
        name, dataset = default.get("filename", ""), default.get("dataset") or ""
        row = (tenant["name"], count(tenant["uploads"]), count(tenant["rows"]), printable(name), printable(dataset))
        table.add_row(*map(Text, row))
    return table
