"""The datasets: all of them as a list, one with its columns and rules."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.client.client_errors import Json
from cli.rendering.formatting import count, printable
from cli.rendering.problem_text import member_lines

# What `dataset` shows in a form of its own.
_SHAPED = {"name", "title", "description", "nulls", "columns", "row_rules"}


def datasets(answer: Json) -> RenderableType:
    """All datasets, one line for each."""
    table = Table(title=Text("datasets", "bold"), title_justify="left", caption_justify="left")
    table.caption = "`imdb-ingest datasets NAME` shows columns and rules"
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("title", overflow="fold")
    table.add_column("columns", justify="right")
    table.add_column("description", overflow="fold", ratio=1)
    for dataset in answer["items"]:
        names = {column["name"] for column in dataset["columns"]}
        table.add_row(dataset["name"], dataset["title"], count(len(names)), dataset["description"])
    return table


def dataset(dataset: Json) -> RenderableType:
    """One dataset: each column with its other names, its type, its field and its rules."""
    table = Table(expand=False)
    table.add_column("column", style="bold", overflow="fold")
    table.add_column("other names", style="dim", overflow="fold")
    table.add_column("field", style="cyan", overflow="fold")
    table.add_column("type", no_wrap=True)
    table.add_column("rules", overflow="fold", ratio=1)
    for column in dataset["columns"]:
        rules = [("required: " if column["required"] else "") + printable(column["description"])]
        rules += [f"{rule['message']} ({rule['code']})" for rule in column["rules"]]
        names = ", ".join(column["aliases"])
        table.add_row(column["name"], names, column["field"], column["type"], "\n".join(rules))
    return Group(
        Text.assemble((dataset["name"], "bold"), f": {dataset['title']}"),
        Text(dataset["description"]),
        Text(f"These cells are null: {', '.join(null or 'an empty cell' for null in dataset['nulls'])}"),
        *(Text(f"Rule for rows: {rule['message']} ({rule['code']})") for rule in dataset["row_rules"]),
        *(Text(line) for line in member_lines({k: v for k, v in dataset.items() if k not in _SHAPED})),
        table,
    )
