"""Cursors of lists that have parts: the name of the list, a part of it, and the last position there."""

import base64
import binascii
import hashlib
import json
from typing import Final

from api.http_errors import InvalidCursor

UNREADABLE: Final = "The cursor is invalid; send next_cursor exactly as you received it."
_LAST_POSITION: Final = 2**63 - 1

Position = tuple[str, int]


def encoded(name: str, last: Position) -> str:
    """The end of a page as opaque text, safe in a URL."""
    content = json.dumps({"l": _hash(name), "s": last[0], "p": last[1]})
    return base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()


def decoded(text: str, name: str) -> Position:
    """The part and the position; raises `InvalidCursor` if the cursor belongs to another list."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        of, part, position = content["l"], content["s"], content["p"]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise InvalidCursor(UNREADABLE) from error
    if of != _hash(name):
        raise InvalidCursor("The cursor belongs to another list, or what it lists has changed; start without a cursor.")
    if not isinstance(part, str) or type(position) is not int or not 0 <= position <= _LAST_POSITION:
        raise InvalidCursor(UNREADABLE)
    return part, position


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
