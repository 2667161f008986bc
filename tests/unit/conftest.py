"""Unit tests need no server: what asks for one fails here and belongs to tests/integration or tests/system.

These fixtures override those of tests/conftest.py, so that no server is even started.
"""

from typing import NoReturn

import pytest


def refuse(name: str) -> NoReturn:
    pytest.fail(f"a unit test must not ask for `{name}`: move it to tests/integration or tests/system")


@pytest.fixture(scope="session")
def server() -> None:
    """No PostgreSQL; `database_url`, `engine` and all that follow from it ask for this one."""
    refuse("server")


@pytest.fixture(scope="session")
def stack() -> None:
    """No platform."""
    refuse("stack")


@pytest.fixture(scope="session")
def keyed() -> None:
    """No platform with keys."""
    refuse("keyed")
