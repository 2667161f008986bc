r"""Lists as JSON writes them, or Python's `repr`: these two notations, and nothing that merely resembles them.

Python's own parser takes expressions: it joins neighbouring strings (`['a' 'b']`) and adds numbers. So this module
reads what `repr` writes: lists, objects with texts as keys, texts, numbers, `True`, `False`, `None`.

Two more notations are unmistakable. numpy prints an array of texts without commas: `['a' 'b']` are two. Python 2 wrote
texts as `u'\xe9'`, and bytes as `'\xc3\xa9'`: both are the letter é, the second one if the bytes are UTF-8.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

LONGEST_LITERAL_CHARACTERS: Final = 100_000
_DEEPEST: Final = 20

_ESCAPE: Final = r"""\\(?:[\\'"nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5}|U0010[0-9a-f]{4})"""
# repr leaves no character below the space as it is.
_TEXT: Final = (
    rf"""(?:'[^'\\\x00-\x1f]*(?:{_ESCAPE}[^'\\\x00-\x1f]*)*'|"[^"\\\x00-\x1f]*(?:{_ESCAPE}[^"\\\x00-\x1f]*)*")"""
)
_TOKEN: Final = re.compile(
    rf"[ \t\r\n]*(?:(?P<mark>[\[\]{{}}:,])|(?P<text>u?{_TEXT})|(?P<word>True|False|None)(?!\w)"
    r"|(?P<integer>-?(?:0|[1-9][0-9]{0,99}))(?![\w.])"
    r"|(?P<decimal>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:e[+-][0-9]{2,3})?|e[+-][0-9]{2,3}))(?![\w.]))"
)
_NUMPY: Final = re.compile(rf"\[u?{_TEXT}(?:(?: |\r?\n )u?{_TEXT})+\]")
_EACH_TEXT: Final = re.compile(f"u?{_TEXT}")
_EACH_ESCAPE: Final = re.compile(_ESCAPE)
_WORDS: Final = {"True": True, "False": False, "None": None}
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t"}
# Beyond ASCII, Python 3 writes letters as they are; of what it writes as \x, only these two characters occur in texts.
_ESCAPED_BY_PYTHON_3: Final = frozenset((0xA0, 0xAD))

_Token: TypeAlias = tuple[str, Any]
_END: Final[_Token] = ("end", None)


def literal_list(text: str) -> list[Any]:
    """The list that the text is; raises `ValueError`, also for one that is too long or nested too deeply."""
    if len(text) > LONGEST_LITERAL_CHARACTERS:
        raise ValueError
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError from error
    except ValueError:
        value = _of_numpy(text) if _NUMPY.fullmatch(text) else _of_python(text)
    if not isinstance(value, list):
        raise ValueError  # noqa: TRY004 - the cell's text is at fault
    return value


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Raises `ValueError` if a key occurs twice: one of its values would be lost."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError
        found[key] = value
    return found


def _refuse(name: str) -> None:
    """`NaN`, `Infinity` and `-Infinity` are no JSON."""
    raise ValueError(name)


def _of_numpy(text: str) -> list[str]:
    return [_text(written) for written in _EACH_TEXT.findall(text)]


def _of_python(text: str) -> Any:
    tokens = _tokens(text.rstrip(" \t\r\n"))
    value = _value(next(tokens, _END), tokens, 0)
    if next(tokens, _END) != _END:
        raise ValueError
    return value


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens with their values; raises `ValueError`."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError
        kind, written = match.lastgroup or "", match[match.lastgroup or 0]
        yield (kind, written) if kind == "mark" else ("value", _READ[kind](written))
        position = match.end()


def _value(token: _Token, tokens: Iterator[_Token], depth: int) -> Any:
    """The value that begins with this token; raises `ValueError`."""
    if token[0] == "value":
        return token[1]
    if depth == _DEEPEST or token not in (("mark", "["), ("mark", "{")):
        raise ValueError
    if token[1] == "[":
        return [_value(first, tokens, depth + 1) for first in _members(tokens, "]")]
    return _object(_entry(first, tokens, depth + 1) for first in _members(tokens, "}"))


def _members(tokens: Iterator[_Token], close: str) -> Iterator[_Token]:
    """The first token of each member of a list or an object; the caller reads the member to its end."""
    token = next(tokens, _END)
    if token == ("mark", close):
        return
    while True:
        yield token
        mark = next(tokens, _END)
        if mark == ("mark", close):
            return
        if mark != ("mark", ","):
            raise ValueError
        token = next(tokens, _END)


def _entry(key: _Token, tokens: Iterator[_Token], depth: int) -> tuple[str, Any]:
    if key[0] != "value" or not isinstance(key[1], str) or next(tokens, _END) != ("mark", ":"):
        raise ValueError
    return key[1], _value(next(tokens, _END), tokens, depth)


def _text(written: str) -> str:
    """The text without its quotes and escapes; raises `ValueError` if it is not clear which letters are meant."""
    is_unicode = written.startswith("u")
    inside = written[2 if is_unicode else 1 : -1]
    if "\\" not in inside:
        return inside
    text = _EACH_ESCAPE.sub(_unescaped, inside)
    octets = {_code_point(escape) for escape in _EACH_ESCAPE.findall(inside) if escape[1] == "x"}
    beyond_ascii = {octet for octet in octets if octet >= 0x80}
    if is_unicode:
        return _of_unicode(text, beyond_ascii)
    if beyond_ascii <= _ESCAPED_BY_PYTHON_3:
        return text
    if not inside.isascii() or "\\u" in inside or "\\U" in inside:
        raise ValueError
    return text.encode("latin-1").decode()


def _of_unicode(text: str, octets: set[int]) -> str:
    """A text of Python 2; it may hold pairs of surrogates."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    if any(octet < 0xA0 for octet in octets):
        raise ValueError
    if octets and _is_utf_8(text):
        raise ValueError
    return text


def _is_utf_8(text: str) -> bool:
    """Whether the letters are bytes of UTF-8 that somebody decoded as Latin-1."""
    try:
        text.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _unescaped(match: re.Match[str]) -> str:
    escape = match[0]
    if len(escape) == 2:
        return _CONTROLS.get(escape[1], escape[1])
    character = chr(_code_point(escape))
    if character.isascii() and character.isprintable():  # repr writes it as it is
        raise ValueError
    return character


def _code_point(escape: str) -> int:
    return int(escape.lstrip("\\xuU"), 16)


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "text": _text,
    "word": _WORDS.__getitem__,
    "integer": int,
    "decimal": float,
}
