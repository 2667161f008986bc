"""How PostgreSQL would run a statement again, told without any value.

A plan quotes conditions, names of columns and outputs. Of each node only its kind, the table and index, and estimates
are kept. Names of tables and indexes are ours: they hold no text of a client, not even for a declared dataset. The
statement is planned for any values, as those of requests are, so its parameters are not sent a second time.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import Any, Final

from sqlalchemy import Connection, CursorResult

from shared.database.timing.query_times import Origin

# Deeper and wider plans are cut: a query of many leaves has a node for each.
_MOST_NODES: Final = 60
_PARTS: Final = {"Relation Name": " on {}", "Index Name": " using {}", "Join Type": " ({} join)"}
_PLANNED: Final = ("select", "with", "insert", "update", "delete")

_numbers = count()


def is_planned(origin: Origin) -> bool:
    """Whether PostgreSQL plans such a statement."""
    return origin.sql.lstrip(" (\n").lower().startswith(_PLANNED)


def plan_shape(connection: Connection, origin: Origin) -> list[str]:
    """A line for each node of the plan, indented, in a transaction of the statement's tenant. Nothing is run.

    Raises `DBAPIError` if the statement cannot be planned alone, for instance because its temporary table is gone.
    """

    def run(sql: str) -> CursorResult[Any]:
        # a percent sign is a percent sign
        return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

    for setting in (*origin.settings, "SET LOCAL plan_cache_mode = force_generic_plan"):
        run(setting)
    name = f"slow_query_{next(_numbers)}"
    run(f"PREPARE {name} AS {_with_numbers(origin)}")
    explained = run(f"EXPLAIN (FORMAT JSON) EXECUTE {name}{_nulls(origin)}").scalar_one()
    run(f"DEALLOCATE {name}")
    [document] = json.loads(explained) if isinstance(explained, str) else explained
    return list(islice(_lines(document["Plan"], 0), _MOST_NODES))


def _with_numbers(origin: Origin) -> str:
    """The statement with `$1` for its first parameter; asyncpg's are written so already."""
    if isinstance(origin.parameters, int):
        return origin.sql
    return origin.sql % {name: f"${number}" for number, name in enumerate(origin.parameters, 1)}


def _nulls(origin: Origin) -> str:
    number = origin.parameters if isinstance(origin.parameters, int) else len(origin.parameters)
    return f"({', '.join(['NULL'] * number)})" if number else ""


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    parts = "".join(form.format(node[key]) for key, form in _PARTS.items() if key in node)
    estimates = f" rows={node['Plan Rows']} cost={node['Total Cost']:.0f}"
    yield f"{'  ' * depth}{node['Node Type']}{parts}{estimates}"
    for child in node.get("Plans", ()):
        yield from _lines(child, depth + 1)
