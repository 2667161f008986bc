"""A pattern for text that was UTF-8 but was read as an encoding of one byte per character: `Ã©` for é."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Final

# The characters that files have, by their number of bytes in UTF-8.
_OF_TWO_BYTES: Final = tuple(
    chain(
        range(0xA0, 0x180),  # Latin
        range(0x386, 0x3CF),  # Greek
        (*range(0x401, 0x460), 0x490, 0x491),  # Cyrillic
        range(0x5D0, 0x5EB),  # Hebrew
        range(0x621, 0x64B),  # Arabic
    )
)
_OF_MORE_BYTES: Final = tuple(
    chain(
        (*range(0x2010, 0x2040), 0x20AC, 0x2122, 0xFEFF, 0xFFFD),  # signs
        range(0x0E01, 0x0E5C),  # Thai
        range(0x1EA0, 0x1EFA),  # Vietnamese
        range(0x3001, 0x30FF),  # kana
        range(0x4E00, 0xA000),  # ideographs
        range(0xAC00, 0xD7A4),  # Hangul
        range(0x1F300, 0x1FB00),  # emoji
    )
)
# What honest text has behind letters, even behind several of them: café’s, «À»…, m²
_BEHIND_LETTERS: Final = frozenset("’”“„…–—»«™®²³ªº×\u00a0")
_LEAST_KNOWN: Final = 0x48  # of 0x80 bytes beyond ASCII: Arabic has few, half of Shift JIS are no characters alone
# Of these, what no small letter follows.
_BEFORE_NO_SMALL: Final = frozenset("”…»™")


@cache
def mojibake_pattern(encoding: str) -> str | None:
    """A regular expression, for RE2 and for `re`, that such text contains; None if the encoding fits none.

    Honest text is hardly ever hit. So the pattern misses what could be honest, such as two letters of one script at the
    beginning of a word.
    """
    if encoding.startswith("utf") or not _is_extended_ascii(encoding):
        return None
    return "|".join([*_pairs(encoding), *_longer(encoding)]) or None


def _is_extended_ascii(encoding: str) -> bool:
    """Whether it has one byte for each character, and ASCII for the first half of them."""
    ascii_only = bytes(range(0x20, 0x7F))
    known = [text for byte in range(0x80, 0x100) if (text := _decoded(bytes([byte]), encoding))]
    return _decoded(ascii_only, encoding) == ascii_only.decode() and len(known) > _LEAST_KNOWN


def _pairs(encoding: str) -> Iterator[str]:
    """For characters of two bytes."""
    small = ascii_lowercase + "".join(filter(str.islower, bytes(range(0x80, 0x100)).decode(encoding, "ignore")))
    readings: dict[str, list[str]] = defaultdict(list)
    for first, second in _misread(_OF_TWO_BYTES, encoding):
        readings[first].append(second)
    any_pair = "|".join(first + _one_of(seconds) for first, seconds in readings.items())
    if any_pair:
        yield f"(?:{any_pair}){{3}}"
    for first, seconds in readings.items():
        is_latin = unicodedata.name(first, "").startswith("LATIN")
        is_alone = is_latin and first.encode(encoding) in _beginnings(encoding)
        alone = {each for each in seconds if _is_strange(first) or _is_strange(each) or (is_alone and each.isalpha())}
        others = set[str]() if first in _BEHIND_LETTERS else set(seconds) - alone
        if alone:
            yield first + _one_of(alone)
        if others and not first.islower():
            yield _one_of(small if is_latin else small + ascii_letters) + first + _one_of(others)
        if not is_latin and (letters := others - _BEHIND_LETTERS):
            yield first + _one_of(letters) + _one_of(ascii_letters)
        if is_latin and (signs := others & (_BEHIND_LETTERS - {"—", "’"} if is_alone else _BEFORE_NO_SMALL)):
            yield first + _one_of(signs) + _one_of(small + ascii_uppercase * is_alone)


def _beginnings(encoding: str) -> bytes:
    """The first bytes of UTF-8 that are read as letters with no letter beyond ASCII behind them, such as `Ã`."""
    is_western = _decoded(b"\x8c", encoding) == "Œ"
    return b"\xc3\xc4\xc5" if is_western else b"\xc3"


def _longer(encoding: str) -> Iterator[str]:
    """For characters of three or four bytes: one of those after the first is nothing that people write there."""
    following: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for first, second, third, *_ in _misread(_OF_MORE_BYTES, encoding):
        following[first][second].add(third)
    for first, seconds in following.items():
        strange = {
            second: thirds
            for second, thirds in seconds.items()
            if _is_strange(second) or (first.islower() and second.isupper())
        }
        yield from (f"{first}{_one_of(each)}{_one_of(thirds)}" for each, thirds in _grouped(strange))
        others = {
            second: set(filter(_is_strange, thirds)) for second, thirds in seconds.items() if second not in strange
        }
        yield from (f"{first}{_one_of(each)}{_one_of(thirds)}" for each, thirds in _grouped(others))


def _misread(codes: Iterable[int], encoding: str) -> Iterator[tuple[str, ...]]:
    characters = (chr(code).encode() for code in codes)
    yield from (tuple(read) for each in characters if len(read := _decoded(each, encoding)) == len(each))


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _is_strange(character: str) -> bool:
    """Whether it is neither a letter nor a sign that honest text has behind letters."""
    return not (character.isalpha() or unicodedata.category(character)[0] == "M" or character in _BEHIND_LETTERS)


def _grouped(thirds_of: dict[str, set[str]]) -> Iterator[tuple[list[str], frozenset[str]]]:
    groups = defaultdict[frozenset[str], list[str]](list)
    for second, thirds in thirds_of.items():
        if thirds:
            groups[frozenset(thirds)].append(second)
    yield from ((seconds, thirds) for thirds, seconds in groups.items())


def _one_of(characters: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, sorted(set(characters))))}]"
