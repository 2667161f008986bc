"""The members of a JSON document as lines for a person. Nothing is left out; long lists are cut, with a count."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urljoin

from cli.client.client_errors import Json
from cli.rendering.formatting import count, printable

_MOST_VALUES: Final = 12
_MOST_OBJECTS: Final = 5
_LONGEST_VALUE: Final = 400
_INDENT: Final = "  "
# What the first line of an error shows already.
_SHOWN_BEFORE: Final = {"type", "title", "status", "code", "detail", "trace_id"}


def problem_lines(document: Json, api_url: str) -> list[str]:
    """What a problem document says besides its first line, and where its code is explained."""
    shown = {name: value for name, value in document.items() if name not in _SHOWN_BEFORE}
    if document.get("detail"):
        shown.pop("errors", None)  # `detail` consists of them
    lines = member_lines(shown)
    if str(document.get("type", "")).startswith("/"):
        lines.append(f"explained at: {printable(urljoin(api_url, document['type']))}")
    return lines


def member_lines(document: Json) -> list[str]:
    """One line for each member, or more if it has members of its own; null and empty ones have none."""
    return [line for name, value in document.items() if value not in (None, [], {}) for line in _lines(name, value)]


def _lines(name: str, value: Any) -> Iterator[str]:
    label = printable(name.replace("_", " "))
    match value:
        case dict() if all(_is_scalar(part) for part in value.values()):
            yield f"{label}: {_listed([f'{key}={_scalar(part)}' for key, part in value.items()])}"
        case dict():
            yield f"{label}:"
            yield from (_INDENT + line for line in member_lines(value))
        case list() if all(_is_scalar(part) for part in value):
            yield f"{label}: {_listed([_scalar(part) for part in value])}"
        case list():
            yield f"{label}:"
            for part in value[:_MOST_OBJECTS]:
                yield from _item_lines(part)
            if len(value) > _MOST_OBJECTS:
                yield f"{_INDENT}... and {count(len(value) - _MOST_OBJECTS)} more"
        case _:
            yield f"{label}: {_scalar(value)}"


def _item_lines(item: Any) -> Iterator[str]:
    lines = member_lines(item) if isinstance(item, dict) else [_listed([_scalar(item)])]
    for position, line in enumerate(lines):
        yield f"{_INDENT}{'- ' if position == 0 else '  '}{line}"


def _listed(texts: list[str]) -> str:
    rest = len(texts) - _MOST_VALUES
    return ", ".join(texts[:_MOST_VALUES]) + (f", ... and {count(rest)} more" if rest > 0 else "")


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
    text = printable(str(value)) or '""'
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
