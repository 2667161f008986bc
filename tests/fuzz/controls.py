"""The controls at the beginning of an input."""

from collections.abc import Sequence
from typing import Final, TypeVar

from shared.csv.dialect import Dialect
from tests.unit.csv.reading import DIALECTS

Choice = TypeVar("Choice")
_DIALECTS: Final = tuple(DIALECTS.values())


def controls(data: bytes, count: int) -> tuple[bytes, bytes]:
    """The first bytes, zeros where there are too few, and the content."""
    return data[:count].ljust(count, b"\0"), data[count:]


def chosen(choices: Sequence[Choice], control: int) -> Choice:
    return choices[control % len(choices)]


def dialect_of(control: int) -> Dialect:
    return chosen(_DIALECTS, control)


def blocks(content: bytes, control: int) -> list[bytes]:
    """The content in blocks of 1 to 256 bytes; larger ones for more than some 10,000 bytes, so that there are few."""
    size = max(control + 1, len(content) // 200)
    return [content[start : start + size] for start in range(0, len(content), size)]
