"""What may be in the JSON of a Table Schema, beside what it means."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import InvalidSchema


def require(condition: bool, message: str) -> None:
    """Raise `InvalidSchema` unless the condition holds."""
    if not condition:
        raise InvalidSchema(message)


def refuse_others(document: Mapping[str, Any], known: frozenset[str], owner: str) -> None:
    """Raise `InvalidSchema` for members that are not known: what they say would be ignored."""
    others = sorted(set(document) - known)
    require(not others, f"{owner} has members that are not supported: {', '.join(others)}")


def are_words(words: object, most: int) -> bool:
    """Whether it is a list of at most so many texts."""
    return (
        isinstance(words, Sequence)
        and not isinstance(words, str)
        and len(words) <= most
        and all(isinstance(word, str) and "\0" not in word for word in words)
    )


def storable(document: Any) -> Any:
    """The document; raises `ValueError` for `NaN` and texts that are none: half a surrogate pair, a zero byte."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    text.encode()
    if "\\u0000" in text:
        raise ValueError("a zero byte")
    return document
