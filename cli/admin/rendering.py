"""Tables of what is decided about tenants, and of uploads that wait."""

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.rendering.formatting import count, printable
from shared.ingest.operating.queue import ActiveUpload
from shared.ingest.operating.tenant_settings import Decided


def decided(tenants: Sequence[Decided]) -> RenderableType:
    """A line for each tenant; `-` is what the settings say."""
    limits = "requests a minute", "bytes a day", "uploads at a time", "days of rows", "days of uploads"
    table = _table("tenants", "tenant", *limits, "loading")
    for each in tenants:
        numbers = (
            each.requests_per_minute,
            each.upload_bytes_per_day,
            each.concurrent_uploads,
            each.row_retention_days,
            each.upload_retention_days,
        )
        table.add_row(each.tenant, *map(_number, numbers), "paused" if each.is_paused else "on")
    return table


def active(uploads: Sequence[ActiveUpload]) -> RenderableType:
    """A line for each upload, oldest first."""
    table = _table("uploads", "id", "tenant", "file", "dataset", "state", "pending", "held", "since")
    for each in uploads:
        state = f"{each.state}, paused" if each.is_paused else each.state
        batches = (count(each.pending_batches), count(each.held_batches))
        since = f"{each.created_at:%Y-%m-%d %H:%M}"
        row = (str(each.id), each.tenant, printable(each.filename), each.dataset, state, *batches, since)
        table.add_row(*map(Text, row))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(title, "bold"), title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _number(value: Any) -> str:
    return "-" if value is None else count(value)
