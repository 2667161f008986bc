"""Entity tags (RFC 9110): the name of an answer for the client that has it.

They are weak. A tag promises the same rows, because it is made of what decides them and not of the bytes.
"""

from typing import Final

_LENGTH: Final = 32


def tag_of(name: str) -> str:
    """The tag of the answer with this name, a hexadecimal digest."""
    return f'W/"{name[:_LENGTH]}"'


def names(if_none_match: str | None, tag: str) -> bool:
    """Whether the header has the tag, compared weakly.

    `*` does not count: only the query could tell whether there is an answer at all.
    """
    if if_none_match is None:
        return False
    return any(each.strip().removeprefix("W/") == tag.removeprefix("W/") for each in if_none_match.split(","))
