"""How PostgreSQL writes values that have parts: arrays, ranges, and the words of a tsvector. All raise `ValueError`."""

import re
from typing import Final

# An item of an array is in quotes, with backslashes before quotes and backslashes, or has no special character.
_ITEM: Final = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"{},\\]+)', re.DOTALL)
_BOUNDS: Final = re.compile(r"^(?:\[-?\d+:-?\d+\])+=")
# A word of a tsvector: quotes and backslashes in it are doubled, and where it occurs stands behind it.
_WORD: Final = re.compile(r"'(?P<word>(?:[^'\\]|''|\\\\)*)'(?::[\d,A-D]+)?(?: |$)")
_BOUND: Final = r'(?:"(?:[^"\\]|""|\\.)*"|[^",()\[\]]*)'
_RANGE: Final = re.compile(rf"[\[(](?P<lower>{_BOUND}),(?P<upper>{_BOUND})[\])]", re.DOTALL)


def items_of_array(text: str) -> list[str]:
    """The items of an array of one dimension that are not null."""
    inner = _BOUNDS.sub("", text)
    if not (inner.startswith("{") and inner.endswith("}")):
        raise ValueError("an array is in braces")
    items, position, end = [], 1, len(inner) - 1
    while position < end:
        match = _ITEM.match(inner, position, end)
        if match is None or (match.end() < end and inner[match.end()] != ","):
            raise ValueError("an item of the array cannot be read")
        if match["quoted"] is not None:
            items.append(re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL))
        elif match["plain"].strip().upper() != "NULL":
            items.append(match["plain"].strip())
        position = match.end() + 1
    if position == end and inner[end - 1] == ",":
        raise ValueError("the last item of the array is missing")
    return items


def words_of_tsvector(text: str) -> list[str]:
    """Its words, as PostgreSQL has stemmed them, in its order."""
    words, position = [], 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise ValueError("a word of the tsvector cannot be read")
        words.append(match["word"].replace("''", "'").replace("\\\\", "\\"))
        position = match.end()
    return words


def bounds_of_range(text: str) -> tuple[str | None, str | None]:
    """Its lower and its upper bound; None for one that is open, and both for an empty range."""
    if text == "empty":
        return None, None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError("a range has two bounds in brackets")
    return _bound(match["lower"]), _bound(match["upper"])


def _bound(text: str) -> str | None:
    if text.startswith('"'):
        return re.sub(r'""|\\(.)', lambda found: found[1] or '"', text[1:-1], flags=re.DOTALL)
    return text or None
