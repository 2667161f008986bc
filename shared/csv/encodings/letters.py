"""How surprising it is, in each of forty languages, that one letter follows another.

A surprise is the negative logarithm of a probability, here a digit. `letters.txt` has a line for each language: its
name, then a row for each letter, such as `é421s2nt`: after é an s has the surprise 1, n and t have 2. The first two
digits are what an ASCII letter and another letter have in addition to their own surprise if they are not in the row.
The row of `*` has these: the surprises of letters whatever stands before them. `^` and `$` are the ends of a word.
ASCII letters and others are counted separately, because all encodings agree which of both a letter is. Languages that
are written in ideographs have only the row of `*`.

`tools/letter_statistics.py` makes the file.
"""

import math
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Final

FILE: Final = "shared/csv/encodings/letters.txt"
BEGIN, END, SINGLE = "^", "$", "*"
MOST_SURPRISE: Final = 9
# The language of an encoding, a codec with the rows of its common characters, and the second bytes of these.
IDEOGRAPHIC: Final = {
    "ja": ("euc-jp", range(0xB0, 0xD0), range(0xA1, 0xFF)),
    "ko": ("euc-kr", range(0xB0, 0xC9), range(0xA1, 0xFF)),
    "zh_Hans": ("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF)),
    "zh_Hant": ("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF))),
}
_KANA: Final = "".join(map(chr, range(0x3041, 0x30FF)))
# The shares of characters that CLDR has, of all common ones, and of kana.
_SEEN, _COMMON, _OF_KANA = 0.6, 0.3, 0.1
_MOST_IDEOGRAPHIC_SURPRISE: Final = 12.0
_GROUP: Final = re.compile(r"(\d)(\D+)")


class Language:
    """The letters of one language."""

    def __init__(self, rows: Iterable[str]) -> None:
        self._surprises = dict[str, float]()
        self._unseen = dict[str, tuple[float, float]]()
        for row in rows:
            self._unseen[row[0]] = float(row[2]), float(row[1])
            for surprise, letters in _GROUP.findall(row, 3):
                for letter in letters:
                    self._surprises[row[0] + letter] = float(surprise)

    def surprises(self, word: str) -> tuple[float, float]:
        """Of a word in small letters: at the letters beyond ASCII and their neighbours, and at all others."""
        beyond, ascii_only = 0.0, 0.0
        for pair in map(str.__add__, BEGIN + word, word + END):
            if pair.isascii():
                ascii_only += self._surprise(pair)
            else:
                beyond += self._surprise(pair)
        return beyond, ascii_only

    def _surprise(self, pair: str) -> float:
        if (known := self._surprises.get(pair)) is not None:
            return known
        single = self._surprises.get(SINGLE + pair[1], MOST_SURPRISE)
        unseen = self._unseen.get(pair[0], (MOST_SURPRISE, MOST_SURPRISE))
        return min(single + unseen[pair[1].isascii()], MOST_SURPRISE)


class Ideographs(Language):
    """The characters of a language that has thousands of them; each is judged alone."""

    def __init__(self, name: str, rows: Iterable[str]) -> None:
        super().__init__(rows)
        common = set(_decodable(*IDEOGRAPHIC[name]))
        kana = frozenset(_KANA if name == "ja" else "")
        seen = {key[1]: math.exp(-surprise) for key, surprise in self._surprises.items()}
        self._surprises = {
            character: -math.log(
                _SEEN * seen.get(character, 0)
                + _COMMON * (character in common) / len(common)
                + _OF_KANA * (character in kana) / len(_KANA)
            )
            for character in common | seen.keys() | kana
        }

    def surprises(self, word: str) -> tuple[float, float]:
        """Of a word: at its characters beyond ASCII, and 0."""
        get = self._surprises.get
        return sum(get(character, _MOST_IDEOGRAPHIC_SURPRISE) for character in word if not character.isascii()), 0.0


@cache
def languages() -> dict[str, Language]:
    """All languages, by name."""
    lines = resources.files(__package__).joinpath("letters.txt").read_text(encoding="utf-8").splitlines()
    rows = {name: rest for name, *rest in map(str.split, lines)}
    return {name: Ideographs(name, rest) if name in IDEOGRAPHIC else Language(rest) for name, rest in rows.items()}


def lowered(word: str) -> str:
    """The word in small letters, as many as it has letters."""
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in word)


def _decodable(codec: str, rows: Iterable[int], seconds: Iterable[int]) -> Iterator[str]:
    pairs = bytes(byte for row in rows for second in seconds for byte in (row, second))
    yield from (character for character in pairs.decode(codec, "ignore") if not character.isascii())
