"""Made-up words, of which the one at rank r is used as often as 1/r (Zipf): the most common of all is in many titles.

Numbers are drawn by the million, so an array of them is made at once.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

Generator = np.random.Generator
Whole = np.ndarray[Any, np.dtype[np.int64]]

_ONSETS: Final = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "v",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_ACCENTED: Final = ("é", "ü", "á", "ö")
# One syllable in so many has an accent.
_SYLLABLES_AN_ACCENT: Final = 200
_CODAS: Final = ("", "", "l", "n", "r", "s", "t", "nd")
_FUNCTION_WORDS: Final = (
    "the",
    "of",
    "a",
    "and",
    "in",
    "to",
    "la",
    "de",
    "der",
    "my",
    "love",
    "le",
    "on",
    "night",
    "man",
)
_SEED: Final = 18

WORDS: Final = 60_000
FIRST_NAMES: Final = 3_000
LAST_NAMES: Final = 40_000


class Zipf:
    """Ranks from 0 up to a size, the first one the most often; `flat`: so many of the first are nearly as common."""

    def __init__(self, size: int, flat: int = 0) -> None:
        weights = 1 / np.arange(1 + flat, size + 1 + flat)
        self._shares = np.cumsum(weights) / weights.sum()

    def ranks(self, chance: Generator, count: int) -> Whole:
        """So many of them."""
        return np.searchsorted(self._shares, chance.random(count)).clip(0, len(self._shares) - 1)


def title_words() -> list[str]:
    """The vocabulary of titles and overviews, the most common word first."""
    made = _made_words(WORDS - len(_FUNCTION_WORDS), most_syllables=3, seed=_SEED)
    return [*_FUNCTION_WORDS, *made]


def first_names() -> list[str]:
    """The most common one first."""
    return [name.capitalize() for name in _made_words(FIRST_NAMES, most_syllables=2, seed=_SEED + 1)]


def last_names() -> list[str]:
    """The most common one first."""
    return [name.capitalize() for name in _made_words(LAST_NAMES, most_syllables=3, seed=_SEED + 2)]


def phrases(words: Sequence[str], chance: Generator, count: int, shortest: int, longest: int) -> Iterator[str]:
    """So many texts of `shortest` to `longest` words."""
    lengths = chance.integers(shortest, longest + 1, count)
    ranks = Zipf(len(words)).ranks(chance, int(lengths.sum())).tolist()
    end = 0
    for length in lengths.tolist():
        begin, end = end, end + length
        yield " ".join([words[rank] for rank in ranks[begin:end]])


def _made_words(count: int, most_syllables: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    found = dict[str, None]()
    while len(found) < count:
        found[_word(chance, most_syllables)] = None
    return list(found)


def _word(chance: random.Random, most_syllables: int) -> str:
    syllables = chance.randint(1, most_syllables)
    return "".join(_syllable(chance) for _ in range(syllables)) + chance.choice(_CODAS)


def _syllable(chance: random.Random) -> str:
    vowels = _VOWELS if chance.randrange(_SYLLABLES_AN_ACCENT) else _ACCENTED
    return chance.choice(_ONSETS) + chance.choice(vowels)
