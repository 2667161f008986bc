"""No function of `shared.database.queries` makes a statement without its name."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, get_origin, get_type_hints

import pytest
from sqlalchemy.sql.base import Executable

from shared.database import queries
from shared.database.queries.health import anything
from shared.database.queries.search import titles
from shared.database.queries.versions import VERSIONS


def makers() -> Iterator[Callable[..., Any]]:
    """The functions that others may call and that return statements."""
    for module in pkgutil.walk_packages(queries.__path__, f"{queries.__name__}."):
        functions = inspect.getmembers(importlib.import_module(module.name), inspect.isfunction)
        for name, function in functions:
            if function.__module__ == module.name and not name.startswith("_"):
                returned = get_type_hints(function).get("return")
                kind = get_origin(returned) or returned
                if isinstance(kind, type) and issubclass(kind, Executable):
                    yield function


@pytest.mark.parametrize("function", [*makers()], ids=lambda made: f"{made.__module__}.{made.__name__}")
def test_it_names_what_it_makes(function: Callable[..., Any]) -> None:
    assert hasattr(function, "__wrapped__")


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (anything(), "health.anything"),
        (titles.beginning(), "search.titles.beginning"),
        (VERSIONS, "versions.versions"),
    ],
)
def test_a_name_is_that_of_module_and_function(statement: Executable, name: str) -> None:
    assert statement.get_execution_options()["statement_name"] == name
