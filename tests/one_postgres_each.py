"""Tests of both versions of PostgreSQL, each with one of them: they take half of the time, and each version has half.

`make test POSTGRES=both` runs all of them with both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

OPTION = "--postgres"


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, choices=("both", "one"), default="both", help="versions that a test of both runs with")


def deselect(config: pytest.Config, items: list[pytest.Item], binaries: Mapping[str, Path]) -> None:
    """Leave one version to each test, if all can be found here."""
    if config.getoption(OPTION) == "one" and all((path / "postgres").exists() for path in binaries.values()):
        others = {item.nodeid for item in _other_half(items, list(binaries))}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in others])
        items[:] = [item for item in items if item.nodeid not in others]


def _other_half(items: Iterable[pytest.Item], versions: list[str]) -> Iterator[pytest.Item]:
    """Of each function and its other parameters, those that are left out: each version has its share."""
    functions: defaultdict[str, defaultdict[str, list[pytest.Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        version = _version(item)
        if version is not None:
            functions[item.nodeid.partition("[")[0]][version].append(item)
    for name, by_version in functions.items():
        if by_version.keys() == set(versions):
            for position, variants in enumerate(zip(*(by_version[version] for version in versions), strict=True)):
                chosen = (crc32(name.encode()) + position) % len(versions)
                yield from (variant for number, variant in enumerate(variants) if number != chosen)


def _version(item: pytest.Item) -> Any:
    return item.callspec.params.get("server") if hasattr(item, "callspec") else None
