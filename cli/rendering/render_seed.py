"""What became of files to begin with, as a table."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.rendering.formatting import count
from cli.seeding.seeding import Result, Seeded

_STYLES = {Seeded.LOADED: "green", Seeded.PRESENT: "cyan", Seeded.EMPTY: "dim", Seeded.FAILED: "bold red"}


def results(found: Sequence[Result]) -> RenderableType:
    """A line for each file: its dataset, what became of it, how many rows the dataset has, and the upload."""
    table = Table(title=Text("seed", "bold"), title_justify="left")
    for name in ("file", "dataset", "outcome"):
        table.add_column(name, no_wrap=True)
    table.add_column("rows of the dataset", justify="right", no_wrap=True)
    table.add_column("upload", no_wrap=True, style="dim")
    for result in found:
        upload = result.upload["id"] if result.upload else ""
        outcome = Text(result.seeded, _STYLES[result.seeded])
        table.add_row(result.file.path.name, result.file.dataset, outcome, count(result.rows), upload)
    return table
