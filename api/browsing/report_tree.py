"""Hierarchical reports: a tree of nodes, as JSON and as CSV."""

import asyncio
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from fastapi import Response

CSV_MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"


@dataclass(frozen=True)
class Node:
    """One line of a report. `key` tells it from its siblings; a leaf has no `children` at all."""

    level: str
    key: str
    values: dict[str, Any]
    children: "list[Node] | None" = field(default=None)


async def json_response(root: Node) -> Response:
    """The tree as JSON. A large one takes a while, in which other requests are answered."""
    content = await asyncio.to_thread(lambda: orjson.dumps(document(root)))
    return Response(content, media_type="application/json")


def document(node: Node) -> dict[str, Any]:
    """The tree as JSON: `level`, the values and the `children` of each node."""
    below = {} if node.children is None else {"children": [document(child) for child in node.children]}
    return {"level": node.level, **node.values, **below}


async def csv_response(root: Node, columns: Sequence[str], name: str) -> Response:
    """The tree as a file `<name>.csv`; see `csv_text`."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(await asyncio.to_thread(csv_text, root, columns), headers=headers, media_type=CSV_MEDIA_TYPE)


def csv_text(root: Node, columns: Sequence[str]) -> str:
    """RFC 4180: a record for each node, before those of its children; null is an empty cell.

    `path` is that of the node in the tree, `/` between the keys and written as `~1` within one (RFC 6901).
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["level", "path", *columns])
    for path, node in _nodes(root, ""):
        writer.writerow([node.level, path, *(node.values.get(column) for column in columns)])
    return text.getvalue()


def _nodes(node: Node, above: str) -> Iterator[tuple[str, Node]]:
    path = f"{above}/{node.key.replace('~', '~0').replace('/', '~1')}"
    yield path, node
    for child in node.children or ():
        yield from _nodes(child, path)
