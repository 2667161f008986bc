"""Which characters cannot be seen: a text of nothing else is blank, and hints name them.

The set is a constant, because the Unicode tables of Python differ between its versions. It has two parts:

    white space    Unicode's White_Space: spaces of all widths, tabs, line ends
    hidden         Unicode's category Cf and its default-ignorable code points, control characters, and four letters
                   and a braille pattern that are drawn as nothing

Hidden characters come from web pages and word processors and mean nothing for a value. White space separates words.
"""

import re
from typing import Final

# First and last code points.
_WHITE_SPACE_RANGES: Final = (
    *((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
_HIDDEN_RANGES: Final = (
    *((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F)),  # control characters
    *((0x115F, 0x1160), (0x2800, 0x2800), (0x3164, 0x3164), (0xFFA0, 0xFFA0)),  # Hangul fillers, the blank of braille
    *((0xAD, 0xAD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD), (0x070F, 0x070F)),
    *((0x0890, 0x0891), (0x08E2, 0x08E2), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E)),
    *((0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD)),
    *((0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)


def _characters(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(chr(point) for first, last in ranges for point in range(first, last + 1))


def _class(ranges: tuple[tuple[int, int], ...]) -> str:
    """The inside of a character class; no character of ours has a meaning there."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


WHITE_SPACE: Final = _characters(_WHITE_SPACE_RANGES)
HIDDEN: Final = _characters(_HIDDEN_RANGES)
# Patterns of one character that mean the same to Python and to RE2.
INVISIBLE_PATTERN: Final = f"[{_class(_WHITE_SPACE_RANGES + _HIDDEN_RANGES)}]"
VISIBLE_PATTERN: Final = f"[^{INVISIBLE_PATTERN[1:]}"

_VISIBLE: Final = re.compile(VISIBLE_PATTERN)
_HIDDEN_OUT: Final = str.maketrans("", "", HIDDEN)
_SHOWN: Final = {
    ord(character): character.encode("unicode_escape").decode()
    for character in WHITE_SPACE + HIDDEN
    if character != " "
}


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return _VISIBLE.search(text) is None


def without_invisible(text: str) -> str:
    """The text without hidden characters, and without white space around the rest."""
    return text.translate(_HIDDEN_OUT).strip(WHITE_SPACE)


def made_visible(text: str) -> str:
    r"""The text with escapes for what cannot be seen (`\u200b`, `\xa0`, `\t`); ordinary spaces stay."""
    return text.translate(_SHOWN)


def invisible_characters(text: str) -> list[str]:
    """The different characters of the text that cannot be seen, but for the ordinary space, in order."""
    return [character for character in dict.fromkeys(text) if ord(character) in _SHOWN]
