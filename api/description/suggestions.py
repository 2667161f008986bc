"""What a client may have meant by a name that the API does not know."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from shared.errors import InvalidRequest

# Comparing takes time by the product of both lengths.
_LONGEST_COMPARED: Final = 100
_LONGEST_SHOWN: Final = 100


def quoted(text: str) -> str:
    """The text in quotes as a message shows it, cut if it is long."""
    return f"'{text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + '...'}'"


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The end of a message: `; did you mean page_size?` with the nearest known name, "" if none is near."""
    near = get_close_matches(name[:_LONGEST_COMPARED], known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def unknown_name(kind: type[InvalidRequest], sentence: str, name: str, known: Sequence[str]) -> InvalidRequest:
    """An error that says which name was given, which one is nearest, and in `known` which ones there are."""
    return kind(f"{sentence} {quoted(name)}{did_you_mean(name, known) or '.'}", {"known": list(known)})
