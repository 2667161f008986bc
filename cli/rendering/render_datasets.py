"""The datasets: all of them as a list, one with its columns and rules."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.client.client_errors import Json
from cli.rendering.formatting import count, printable
from cli.rendering.problem_text import member_lines

# What `dataset` shows in a form of its own.
_SHAPED = {"name", "title", "description", "nulls", "columns", "row_rules", "table", "schema", "is_declared", "version"}


def datasets(answer: Json) -> RenderableType:
    """All datasets, one line for each."""
    table = Table(title=Text("datasets", "bold"), title_justify="left", caption_justify="left")
    table.caption = "`imdb-ingest datasets show NAME` shows columns and rules"
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
        Text(f"table {dataset['table']['name']}{_indexes(dataset['table'])}"),
        Text(f"mode {dataset['mode']}, unless an upload says otherwise"),
        Text(f"These cells are null: {', '.join(null or 'an empty cell' for null in dataset['nulls'])}"),
        *(Text(f"Rule for rows: {rule['message']} ({rule['code']})") for rule in dataset["row_rules"]),
        *(Text(line) for line in member_lines({k: v for k, v in dataset.items() if k not in _SHAPED})),
        table,
    )


def preview(found: Json) -> RenderableType:
    """What the beginning of a file would become."""
    dialect, records = found["dialect"], found["records"]
    lines = [
        Text(f"dataset {found['dataset'] or 'none of those that there are'}", "bold"),
        Text(f"delimiter {dialect['delimiter']!r}, quoting {dialect['quoting']}, encoding {dialect['encoding']}"),
        Text(f"{count(records['read'])} records in the beginning, {count(records['rejected'])} of them rejected"),
    ]
    if found["error"]:
        lines.append(Text(printable(found["error"]["message"]), "red"))
    lines += [Text(f"near: {near['dataset']} ({near['score']})", "dim") for near in found["candidates"]]
    lines += [Text(f"warning: {printable(warning['message'])}", "yellow") for warning in found["warnings"]]
    return Group(*lines, _rows(found["rows"]), _rejects(found["rejects"]))


def _rows(rows: list[Json]) -> Table:
    names = [name for name in (rows[0] if rows else {}) if any(row[name] is not None for row in rows)]
    table = Table(title=Text("first rows", "bold"), title_justify="left")
    for name in names:
        table.add_column(printable(name), overflow="ellipsis", max_width=40)
    for row in rows:
        table.add_row(*("" if row[name] is None else printable(str(row[name]))[:200] for name in names))
    return table


def _rejects(rejects: list[Json]) -> RenderableType:
    table = Table(title=Text("rejects", "bold"), title_justify="left")
    for name in ("line", "column", "rule", "value"):
        table.add_column(name, overflow="fold")
    for reject in rejects:
        shown = (reject["line_number"], reject["column"] or "", reject["message"], reject["value"] or "")
        table.add_row(*(printable(str(cell)) for cell in shown))
    return table if rejects else Text("no rejects")


def _indexes(table: Json) -> str:
    key = f", key ({', '.join(table['key'])})" if table["key"] else ""
    indexes = "".join(f", index ({', '.join(index)})" for index in table["indexes"])
    return key + indexes
