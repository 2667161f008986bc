"""`python -m tools.letter_statistics`: makes shared/csv/encodings/letters.txt anew, with Babel (`pip install babel`).

It counts which letters follow each other in the names of languages, countries, currencies, units and times that the
Unicode CLDR has in each language, and in the everyday words of `everyday_words.txt`: names lack endings and small
words. `shared/csv/encodings/letters.py` describes the file.
"""

import math
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from babel import Locale

from shared.csv.encodings.letters import BEGIN, END, FILE, IDEOGRAPHIC, MOST_SURPRISE, SINGLE, lowered
from tools.lock import ROOT

LANGUAGES: Final = (
    "fr de es pt it sv da nb fi nl is ca et sq pl cs sk hu ro hr sl lt lv tr vi ru uk bg mk sr be el he ar fa th"
    " ja ko zh_Hans zh_Hant"
).split()
_KINDS: Final = (
    "languages territories scripts variants currency_names currency_names_plural months days eras quarters time_zones"
    " meta_zones unit_display_names unit_patterns date_fields day_periods"
).split()
_WORD: Final = re.compile(r"(?:[^\W\d_][\u0300-\u036f\u05b0-\u05c7\u0e31\u0e34-\u0e4e]*)+")
_NO_LETTERS: Final = re.compile(r"[\u02b0-\u02ff²³¹ªºμ]")
# How many observations of a letter weigh as much as what is known of all letters.
_PRIOR: Final = 1.5
# Windows-1250 has letters with a cedilla for the Romanian ones with a comma.
_CEDILLAS: Final = str.maketrans("șțȘȚ", "şţŞŢ")


def main() -> int:
    """Write the file; 0."""
    lines = [f"{language} {' '.join(_rows(language))}" for language in LANGUAGES]
    (ROOT / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def _rows(language: str) -> Iterator[str]:
    words = {lowered(word) for text in _texts(language) for word in _WORD.findall(text) if not _NO_LETTERS.search(word)}
    if language in IDEOGRAPHIC:
        counts = Counter(letter for word in words for letter in word if not letter.isascii())
        yield _row(SINGLE, {letter: _surprise(count, counts.total()) for letter, count in counts.items()})
        return
    pairs = Counter(pair for word in words for pair in _pairs(word))
    singles, totals, firsts = Counter[str](), Counter[bool](), Counter[tuple[str, bool]]()
    for (before, letter), count in pairs.items():
        singles[letter] += count
        totals[letter.isascii()] += count
        firsts[before, letter.isascii()] += count
    share = {letter: count / totals[letter.isascii()] for letter, count in singles.items() if count > 1}
    known = {letter: _surprise(part, 1) for letter, part in share.items()}
    yield _row(SINGLE, known)
    for before in [BEGIN, *sorted(share.keys() - {END})]:
        row = {
            letter: _surprise(pairs[before, letter] + _PRIOR * share[letter], firsts[before, letter.isascii()] + _PRIOR)
            for letter in share
            if pairs[before, letter]
        }
        ascii_only, beyond = (_surprise(_PRIOR, firsts[before, kind] + _PRIOR) for kind in (True, False))
        seen = {
            letter: cost
            for letter, cost in row.items()
            if cost < min(known[letter] + (ascii_only if letter.isascii() else beyond), MOST_SURPRISE)
        }
        yield _row(before, seen, f"{ascii_only}{beyond}")


def _row(before: str, surprises: dict[str, int], unseen: str = "00") -> str:
    letters = defaultdict(list)
    for letter, surprise in surprises.items():
        letters[surprise].append(letter)
    return before + unseen + "".join(f"{surprise}{''.join(sorted(letters[surprise]))}" for surprise in sorted(letters))


def _surprise(part: float, whole: float) -> int:
    return min(round(-math.log(part / whole)), MOST_SURPRISE)


def _pairs(word: str) -> Iterable[tuple[str, str]]:
    return zip(BEGIN + word, word + END, strict=True)


def _texts(language: str) -> Iterator[str]:
    data = Locale.parse(language)._data  # noqa: SLF001
    for text in [*_leaves([data.get(kind) for kind in _KINDS]), _everyday_words().get(language, "")]:
        if language == "ro":
            yield text.translate(_CEDILLAS)
        elif language == "vi":
            yield "".join(map(_with_tones, text))
        else:
            yield text


@cache
def _everyday_words() -> dict[str, str]:
    lines = (ROOT / "tools" / "everyday_words.txt").read_text(encoding="utf-8").splitlines()
    return {name: words for name, _, words in (line.partition(" ") for line in lines)}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif hasattr(value, "values"):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)


def _with_tones(letter: str) -> str:
    """The letter as Windows-1258 has it: the mark of the tone follows it."""
    decomposed = unicodedata.normalize("NFD", letter)
    for tone in "\u0300\u0301\u0303\u0309\u0323":
        if tone in decomposed and not _is_encodable(letter):
            return unicodedata.normalize("NFC", decomposed.replace(tone, "")) + tone
    return letter


def _is_encodable(letter: str) -> bool:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
