"""Which encoding a sample of bytes is in, if it is not plain UTF-8. Nothing is guessed: there is evidence, or an error.

Each candidate reads the sample. The reading that is least surprising wins, as text (`plausibility`) in the languages
that people write in that encoding (`letters`). It must be clearly less surprising than every reading that differs from
it, and than UTF-8 with some invalid bytes. Encodings that read the whole sample alike need no evidence: the usual one
of them is taken, until bytes follow that they read differently.
"""

import codecs
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from shared.csv.encodings.letters import languages, lowered
from shared.csv.encodings.names import UTF_8, WINDOWS_1252
from shared.csv.encodings.plausibility import form_of
from shared.csv.unreadable import EncodingUnknown

SAMPLE_BYTES: Final = 64 * 1024

# Differences of surprise: the probabilities differ by a factor of e ** 7, about 1,000.
_CLEAR: Final = 7.0
# What a candidate cannot decode: each cell, and each of its bytes beyond ASCII. That it makes no words of the sample.
_UNDECODED_CELL, _UNDECODED_BYTE = 20.0, 12.0
_NO_WORD: Final = 15.0
_ONLY_CAPITALS: Final = 5.0
_TOO_SHORT: Final = 15.0
# UTF-8 with invalid bytes: that a file is like that, each byte, a letter beside it, and each valid character.
_INVALID_FILE, _INVALID_BYTE, _INVALID_NEIGHBOUR = 2.0, 7.0, 3.0
_VALID_CHARACTER, _STRANGE_CHARACTER, _OTHER_MARK = 3.0, 8.0, 10.0
_MOST_BY_CHANCE: Final = 16
_MOST_LONE: Final = 3
_SHORTEST_BYTES: Final = 2
_MOST_LETTER_SURPRISE: Final = 14.0
# A reading that is so much worse than another by its form alone is not compared by languages.
_HOPELESS: Final = 50.0
# How much of the first sample is judged, and of each later one: more only for bytes that were not seen before.
_MOST_BYTES, _MOST_MORE_BYTES = 8 * 1024, 1024
_LONGEST_CELL_BYTES: Final = 400
_MOST_CANDIDATES: Final = 5
_MOST_WORDS: Final = 3
_LONGEST_WORD: Final = 40

_WESTERN: Final = "fr de es pt it sv da nb fi nl is ca et sq"
_CENTRAL: Final = "pl cs sk hu ro hr sl sq de"
_BALTIC: Final = "lt lv et"
_CYRILLIC: Final = "ru uk bg mk sr be"
_LATIN: Final = tuple(dict.fromkeys(f"{_WESTERN} {_CENTRAL} {_BALTIC} tr vi".split()))
_WITHOUT_LATIN: Final = frozenset("ru uk bg mk sr be el he ar fa th".split())
_SHORTEST_WORD: Final = 3

_CELL: Final = re.compile(rb'[^,;\t"\r\n]*[\x80-\xff][^,;\t"\r\n]*')
_INVALID_RUN: Final = re.compile(r"([A-Za-z]?)([\udc80-\udcff]+)([A-Za-z]?)")
_CUT_EMOJI: Final = re.compile(r"\udcf0\udc9f[\udc80-\udcbf]?")
_VALID: Final = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_BESIDE_ASCII: Final = re.compile(rf"[A-Za-z]{_VALID.pattern}|{_VALID.pattern}[A-Za-z]")
_MARK: Final = re.compile(r"[^\x00-\u024f\u0300-\u036f\u1e00-\u1eff][\u0300-\u036f]")
_USUAL_CHARACTER: Final = re.compile(
    r"[\u00a0-\u017f\u0218-\u021b\u0370-\u045f\u0490-\u04ab\u04ae-\u04b3\u04d8\u04d9\u04e8\u04e9\u0531-\u0587\u05d0-\u05ea\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u10a0-\u10ff\u1e00-\u1eff"
    r"\u2010-\u2044\u20a0-\u20bf\u2100-\u214f\u2190-\u21ff\u2600-\u27bf\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef"
    r"\U0001f300-\U0001faff]"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoding, the languages that people write in it, and how seldom files are in it, as a surprise."""

    encoding: str
    languages: tuple[str, ...]
    rarity: float
    is_single_byte: bool = True


_CANDIDATES: Final = (
    *(
        Candidate(encoding, tuple(names.split()), rarity)
        for encoding, names, rarity in (
            (WINDOWS_1252, _WESTERN, 0.0),
            ("iso-8859-15", _WESTERN, 1.5),
            ("mac-roman", _WESTERN, 4.0),
            ("cp850", _WESTERN, 4.0),
            ("windows-1250", _CENTRAL, 2.0),
            ("iso-8859-2", _CENTRAL, 3.0),
            ("cp852", _CENTRAL, 4.0),
            ("windows-1251", _CYRILLIC, 1.0),
            ("koi8-r", "ru bg", 2.0),
            ("koi8-u", "ru uk be", 2.0),
            ("cp866", "ru be", 3.0),
            ("iso-8859-5", _CYRILLIC, 3.0),
            ("mac-cyrillic", _CYRILLIC, 4.0),
            ("windows-1253", "el", 1.0),
            ("iso-8859-7", "el", 1.5),
            ("windows-1254", "tr", 2.5),
            ("cp857", "tr", 4.5),
            ("windows-1255", "he", 1.0),
            ("windows-1256", "ar fa", 1.0),
            ("iso-8859-6", "ar", 3.0),
            ("windows-1257", _BALTIC, 1.5),
            ("iso-8859-13", _BALTIC, 2.5),
            ("windows-1258", "vi", 2.5),
            ("cp874", "th", 1.0),
        )
    ),
    Candidate("cp932", ("ja",), 1.0, is_single_byte=False),
    Candidate("euc-jp", ("ja",), 1.5, is_single_byte=False),
    Candidate("gb18030", ("zh_Hans",), 1.0, is_single_byte=False),
    Candidate("big5", ("zh_Hant",), 1.0, is_single_byte=False),
    Candidate("cp949", ("ko",), 1.0, is_single_byte=False),
)


@dataclass(slots=True)
class Reading:
    """What a candidate makes of the cells; None for a cell that it cannot decode."""

    candidate: Candidate
    texts: list[str | None]
    words: list[str]
    surprise: float


@dataclass(slots=True)
class Recognition:
    """What is known of the encoding of one file. It grows with each sample, but is bounded.

    `words`: a few of those that are the evidence.
    """

    encoding: str = UTF_8
    words: tuple[str, ...] = ()
    _candidates: Sequence[Candidate] = _CANDIDATES
    _cells: dict[bytes, None] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def judge(self, sample: bytes) -> str:
        """The encoding, by all samples so far: UTF-8 if no other makes text of them. Raises `EncodingUnknown`.

        Once another encoding was found, only those that read the earlier samples alike are candidates.
        """
        self._add(sample)
        readings = _readings(self._candidates, list(self._cells))
        best = readings[0]
        if best.surprise >= _surprise_of_utf8(self._cells):
            return self.encoding
        others = [reading for reading in readings if reading.texts != best.texts]
        if others and others[0].surprise < best.surprise + _CLEAR:
            raise _unknown([best, *(other for other in others if other.surprise < best.surprise + 2 * _CLEAR)])
        alike = [reading.candidate for reading in readings if reading.texts == best.texts]
        self._candidates = sorted(alike, key=lambda candidate: candidate.rarity)
        self.encoding = self._candidates[0].encoding
        self.words = self.words or tuple(_words(best, range(len(best.texts))))
        return self.encoding

    def open_bytes(self) -> bytes:
        """The bytes that no sample had and that the candidates left read differently."""
        if not all(candidate.is_single_byte for candidate in self._candidates):
            return b""
        names = [candidate.encoding for candidate in self._candidates]
        unseen = (bytes([byte]) for byte in range(0x80, 0x100) if byte not in self._seen)
        return b"".join(byte for byte in unseen if len({byte.decode(name, "replace") for name in names}) > 1)

    def _add(self, sample: bytes) -> None:
        """Keep some of the sample's distinct cells, and all that have a byte which was not seen yet."""
        most_bytes = _MOST_BYTES if self.encoding == UTF_8 else _MOST_MORE_BYTES
        kept_bytes = 0
        for cell in _CELL.findall(sample):
            octets = {byte for byte in cell[:_LONGEST_CELL_BYTES] if byte > 0x7F}
            if kept_bytes < most_bytes or not octets <= self._seen:
                self._cells[cell[:_LONGEST_CELL_BYTES]] = None
                self._seen |= octets
                kept_bytes += len(cell)


def _readings(candidates: Iterable[Candidate], cells: Sequence[bytes]) -> list[Reading]:
    """What all candidates make of the cells, the least surprising first."""
    readings = sorted((_form(candidate, cells) for candidate in candidates), key=_surprise)
    judged = _Languages()
    least = math.inf
    for reading in readings:
        if reading.surprise < least + _HOPELESS:
            reading.surprise += judged.surprise(reading.words, reading.candidate)
            least = min(least, reading.surprise)
    return sorted(readings, key=_surprise)


def _form(candidate: Candidate, cells: Sequence[bytes]) -> Reading:
    """The reading with the surprise of its form only."""
    reading = Reading(candidate, [_decoded(cell, candidate.encoding) for cell in cells], [], candidate.rarity)
    for cell, text in zip(cells, reading.texts, strict=True):
        if text is None:
            reading.surprise += _UNDECODED_CELL + _UNDECODED_BYTE * sum(byte > 0x7F for byte in cell)
        else:
            form = form_of(text)
            reading.surprise += form.surprise
            reading.words += form.words
    if not reading.words and candidate.encoding != WINDOWS_1252:
        reading.surprise += _NO_WORD
    if reading.words and all(word.isupper() for word in reading.words):
        reading.surprise += _ONLY_CAPITALS
    return reading


class _Languages:
    """How surprising words are in the languages of an encoding."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[float, float]]] = {}
        self._all = languages()

    def surprise(self, words: Sequence[str], candidate: Candidate) -> float:
        """Each word is in one of the languages, those of the earlier words being likelier."""
        names = candidate.languages
        is_latin = names[0] in _LATIN
        counts = [0.5] * len(names)
        total = 0.0
        longest = 0
        for word in map(lowered, words):
            known = self._of(word, _LATIN if is_latin else names)
            usual = _log_mean([-known[name][1] for name in _LATIN]) if is_latin else 0.0
            most = _MOST_LETTER_SURPRISE * len(word)
            likely = [
                math.log(count / sum(counts)) - min(sum(known[name]), most) - usual
                for name, count in zip(names, counts, strict=True)
            ]
            whole = _log_sum(likely)
            counts = [count + math.exp(part - whole) for count, part in zip(counts, likely, strict=True)]
            total -= whole
            longest = max(longest, sum(not letter.isascii() for letter in word))
        return total + _TOO_SHORT * (names[0] in _WITHOUT_LATIN and longest < _SHORTEST_WORD)

    def _of(self, word: str, names: Iterable[str]) -> dict[str, tuple[float, float]]:
        known = self._known.setdefault(word, {})
        for name in names:
            if name not in known:
                known[name] = self._all[name].surprises(word)
        return known


def is_usual_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8 beyond doubt: two characters of Chinese, say, can be a pair of rare letters in UTF-8."""
    text = sample.decode(UTF_8, "surrogateescape")
    if len(sample) - len(text) > 3 * _MOST_BY_CHANCE:  # bytes beyond the first of a character, which has at most three
        return True
    beyond = _VALID.findall(text)
    return not 1 < len(beyond) <= _MOST_BY_CHANCE or all(map(_USUAL_CHARACTER.match, beyond))


def lone_characters(sample: bytes) -> tuple[str, ...]:
    """The characters beyond ASCII, if they are so few and short in UTF-8 that another encoding may be meant.

    A letter beside one of ASCII makes a word of it, so it is no such character.
    """
    text = sample.decode(UTF_8, "surrogateescape")
    found = tuple(_VALID.findall(text))
    is_short = len(found) <= _MOST_LONE and all(len(character.encode()) == _SHORTEST_BYTES for character in found)
    return found if is_short and not _BESIDE_ASCII.search(text) else ()


def _surprise_of_utf8(cells: Iterable[bytes]) -> float:
    """Of the cells as UTF-8 in which some bytes are invalid."""
    surprise = _INVALID_FILE
    for cell in cells:
        text = cell.decode(UTF_8, "surrogateescape")
        for before, run, after in _INVALID_RUN.findall(text):
            surprise += _INVALID_BYTE * len(_CUT_EMOJI.sub("?", run)) + _INVALID_NEIGHBOUR * (len(before) + len(after))
        for character in _VALID.findall(text):
            surprise += _VALID_CHARACTER if _USUAL_CHARACTER.match(character) else _STRANGE_CHARACTER
        surprise += _OTHER_MARK * len(_MARK.findall(text))
    return surprise


def _unknown(readings: Sequence[Reading]) -> EncodingUnknown:
    distinct = [each for at, each in enumerate(readings) if all(each.texts != other.texts for other in readings[:at])]
    shown = distinct[:_MOST_CANDIDATES]
    disputed = [at for at, texts in enumerate(zip(*(each.texts for each in shown), strict=True)) if len(set(texts)) > 1]
    candidates = [{"encoding": each.candidate.encoding, "reads": _words(each, disputed)} for each in shown]
    names = " or ".join(each.candidate.encoding for each in shown[:2])
    return EncodingUnknown(
        "the file is not UTF-8, and several encodings would make text of it (`candidates`): name the right one, such as"
        f" {names}, by the parameter `encoding`, or send the file in UTF-8",
        {"candidates": candidates},
    )


def _words(reading: Reading, cells: Iterable[int]) -> list[str]:
    """A few words beyond ASCII of these cells; a whole cell if it has none."""
    texts = (text for at in cells if (text := reading.texts[at]) is not None)
    words = (word for text in texts for word in form_of(text).words or (text.strip(),))
    return [word[:_LONGEST_WORD] for word in islice(dict.fromkeys(words), _MOST_WORDS)]


def _decoded(cell: bytes, encoding: str) -> str | None:
    """The text of a cell, which may have been cut; None if it is not in this encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(cell, len(cell) < _LONGEST_CELL_BYTES)
    except UnicodeDecodeError:
        return None


def _surprise(reading: Reading) -> float:
    return reading.surprise


def _log_sum(logarithms: Sequence[float]) -> float:
    """The logarithm of the sum of the numbers that have these logarithms."""
    most = max(logarithms)
    return most + math.log(sum(math.exp(each - most) for each in logarithms))


def _log_mean(logarithms: Sequence[float]) -> float:
    return _log_sum(logarithms) - math.log(len(logarithms))
