"""What a mistyped word may have meant.

A mistake is one letter too many, one too few, another letter, or two neighbours in the wrong order. All texts with one
mistake can be listed, some hundred of them, so that the words among them are found by any index of words. Of two
mistakes at most one is in the first half of a word, mostly: so words with two are found by their beginnings.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from rapidfuzz.distance import OSA

from shared.catalog.search_words import UNSPACED_CHARACTERS

# In a shorter word most other words are one mistake away. No language has many that are longer than the longest one.
SHORTEST: Final = 4
LONGEST: Final = 40
# A word that is only begun has more neighbours, and a word with two mistakes as well.
SHORTEST_BEGUN: Final = 6
SHORTEST_WITH_TWO: Final = 8

# A word that can be looked up, for Python and for PostgreSQL: of letters, of which those of ASCII are lower case.
WORD: Final = f"^[^\x01-\x60\x7b-\x7f{UNSPACED_CHARACTERS}]{{{SHORTEST},{LONGEST}}}$"

_LATIN: Final = "abcdefghijklmnopqrstuvwxyz"
_GREEK: Final = "αβγδεζηθικλμνξοπρσςτυφχψω"
_CYRILLIC: Final = "абвгдежзийклмнопрстуфхцчшщъыьэюяєіїґ"


def one_mistake_from(word: str) -> list[str]:
    """All texts that are one mistake away from a word, each once; the likeliest kinds of mistakes first.

    Letters that are missing or wrong are those of the word's alphabet.
    """
    found = dict.fromkeys(_with_one_mistake(word, _alphabet_of(word)))
    found.pop(word, None)
    return list(found)


def beginnings_within_one_mistake(word: str) -> list[str]:
    """All texts that a word may begin with whose first half is at most one mistake away from that of this one."""
    half = (len(word) + 1) // 2
    shorter = (word[:at] + word[at + 1 : half + 1] for at in range(half + 1))
    others = (text for text in one_mistake_from(word[:half]) if len(text) >= half)
    return list(dict.fromkeys((*shorter, *others)))


def nearest_with_two(word: str, candidates: Iterable[str]) -> list[str]:
    """The candidates that are at most two mistakes away, each once, the nearest first."""
    distances = {(OSA.distance(word, candidate, score_cutoff=2), candidate) for candidate in candidates}
    return [candidate for distance, candidate in sorted(distances) if distance <= 2]


def _with_one_mistake(word: str, letters: str) -> Iterator[str]:
    ends = range(len(word))
    yield from (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in ends[:-1])
    yield from (word[:at] + letter + word[at:] for at in range(len(word) + 1) for letter in letters)
    yield from (word[:at] + word[at + 1 :] for at in ends)
    yield from (word[:at] + letter + word[at + 1 :] for at in ends for letter in letters)


def _alphabet_of(word: str) -> str:
    for letters in (_CYRILLIC, _GREEK):
        if any(letter in letters for letter in word):
            return letters
    return _LATIN
