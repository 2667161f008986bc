"""How surprising a text is as something that people wrote, apart from its language: scripts, capitals, punctuation.

All surprises are negative logarithms of probabilities, estimated. Only characters beyond ASCII and their neighbours are
judged, because all encodings agree about the others.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

# What nobody writes: a control character; a symbol within a word; a letter of another script, or a capital, within one.
_CONTROL: Final = 20.0
_MISPLACED: Final = 18.0
_OTHER_SCRIPT: Final = 10.0
_STRAY_CAPITAL: Final = 10.0
_LONE_CAPITAL: Final = 4.0
_UNPAIRED: Final = 7.0
# What is seldom written: letters of Latin beside ideographs; a digit of another script.
_BESIDE_IDEOGRAPH: Final = 3.0
_FOREIGN_DIGIT: Final = 8.0

_SMALL, _CAPITAL, _CASELESS, _MARK, _DIGIT, _SPACE, _SIGN, _CONTROLLING = "a", "A", "o", "m", "0", " ", ".", "!"
_LETTERS: Final = frozenset((_SMALL, _CAPITAL, _CASELESS, _MARK))
_KINDS: Final = {"Ll": _SMALL, "Lu": _CAPITAL, "Lt": _CASELESS, "Lo": _CASELESS, "Lm": _CASELESS} | {
    **dict.fromkeys(("Mn", "Mc"), _MARK),
    **dict.fromkeys(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Me"), _CONTROLLING),
    "Zs": _SPACE,
    "Nd": _DIGIT,
}
_SCRIPTS: Final = {
    **{name: name for name in ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "HANGUL")},
    **dict.fromkeys(("HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC"), "IDEOGRAPHS"),
}
_IDEOGRAPHIC: Final = ("IDEOGRAPHS", "HANGUL")
_ORDINALS: Final = "ªº"

# Where each sign is usual, as the kinds of characters before and after it, and how surprising it is there.
_NO_WORD: Final = "[^aAom]"
_USUAL_NEIGHBOURS: Final = tuple(
    (frozenset(signs), re.compile(pattern), surprise)
    for signs, pattern, surprise in (
        ("“‘«", r"[ .][^ ]", 2.0),
        ("„", r"[ .][^ ]", 3.0),
        ("‚", r"[ .][^ ]", 8.0),
        ("”", r"[ .][^ ]", 4.0),  # in Sweden and Finland
        ("”’»›", rf"[^ ]{_NO_WORD}", 2.0),
        ("¿¡", r"[ .][^ ]", 3.0),
        ("…", rf".{_NO_WORD}", 2.5),
        ("–—", r"  |[ 0.]{2}", 2.0),
        ("–—", r"[^ ][^ ]", 5.0),
        ("–—", r"..", 8.0),
        ("½¼¾", rf"[ 0]{_NO_WORD}", 3.0),
        ("£€§№", rf"{_NO_WORD}{_NO_WORD}", 3.0),
        ("°", r"0.", 3.0),
        ("©", rf"{_NO_WORD}{_NO_WORD}", 3.5),
        ("®™²³", rf".{_NO_WORD}", 4.5),
        ("ªº", rf"[0aA]{_NO_WORD}", 5.0),
        ("×", rf"{_NO_WORD}{_NO_WORD}", 5.0),
        ("\xa0", r"..", 5.0),
        ("·", r"[aA][aA]", 5.0),
    )
)
_IDEOGRAPHIC_SIGNS: Final = frozenset("、。「」『』・！？：（）～〜《》【】，；‧…—“”")
_IDEOGRAPHIC_SIGN_SURPRISE: Final = 4.5
# l’amour, dell’arte, O’Brien; it’s, we’re
_ELISION: Final = re.compile(
    r"(?i:\b(?:[cdjlmnst]|qu|all|dell|nell|sull|dall|quell|jusqu|lorsqu|puisqu)’[aehiouyàâáéèêëíîïóôöœùûúü]"
    r"|aujourd’hui)|\bO’[A-Z]"
)
_CONTRACTION: Final = re.compile(r"(?:s|t|re|ll|ve|d|m|n)\b", re.IGNORECASE)
_LONGEST_ELISION: Final = 8
_APOSTROPHE_SURPRISE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Form:
    """`surprise`: of the text apart from its language. `words`: those with letters beyond ASCII."""

    surprise: float
    words: tuple[str, ...]


def form_of(text: str) -> Form:
    """The form of a cell's text."""
    words = tuple(word for word in _words(text) if not word.isascii())
    signs = [at for at, character in enumerate(text) if not character.isascii() and _kind(character) not in _LETTERS]
    surprise = sum(map(_word_surprise, words)) + sum(_sign_surprise(text, at) for at in signs)
    unpaired = text.count("«") != text.count("»") or sum(map(text.count, "“”„")) % 2
    return Form(surprise + _UNPAIRED * unpaired, words)


@lru_cache(4096)
def _kind(character: str) -> str:
    return _SIGN if character in _ORDINALS else _KINDS.get(unicodedata.category(character), _SIGN)


@lru_cache(4096)
def _script(character: str) -> str:
    name = re.split("[ -]", unicodedata.name(character, ""), maxsplit=1)[0]
    return _SCRIPTS.get(name, "")


def _words(text: str) -> list[str]:
    return "".join(character if _kind(character) in _LETTERS else " " for character in text).split(" ")


def _word_surprise(word: str) -> float:
    kinds = [_kind(character) for character in word]
    surprise = _OTHER_SCRIPT if kinds[0] == _MARK else _LONE_CAPITAL if kinds == [_CAPITAL] else 0.0
    for at, (before, character) in enumerate(pairwise(word), start=1):
        if before.isascii() and character.isascii():
            continue
        surprise += _script_surprise(before, character)
        is_within = kinds[at] == _CAPITAL and kinds[at - 1] == _SMALL
        is_behind = kinds[at] == _SMALL and kinds[max(at - 2, 0) : at] == [_CAPITAL, _CAPITAL]
        surprise += _STRAY_CAPITAL * (is_within or is_behind)
    return surprise


def _script_surprise(before: str, character: str) -> float:
    scripts = {_script(before), _script(character)}
    if _kind(character) == _MARK and "" in scripts:  # a mark that all scripts share
        return 0.0 if scripts <= {"", "LATIN"} else _OTHER_SCRIPT
    if len(scripts) == 1:
        return 0.0
    is_beside = not scripts.isdisjoint(_IDEOGRAPHIC) and _SMALL not in (_kind(before), _kind(character))
    return _BESIDE_IDEOGRAPH if is_beside else _OTHER_SCRIPT


def _sign_surprise(text: str, at: int) -> float:
    sign = text[at]
    before, after = text[at - 1] if at else " ", text[at + 1] if at + 1 < len(text) else " "
    if _kind(sign) == _CONTROLLING:
        return _CONTROL
    if _kind(sign) == _DIGIT:
        return _FOREIGN_DIGIT
    if sign in _IDEOGRAPHIC_SIGNS and not {_script(before), _script(after)}.isdisjoint(_IDEOGRAPHIC):
        return _IDEOGRAPHIC_SIGN_SURPRISE
    if sign == "’" and (
        _ELISION.search(text[max(at - _LONGEST_ELISION, 0) : at + 4]) or _CONTRACTION.match(text, at + 1)
    ):
        return _APOSTROPHE_SURPRISE
    neighbours = _kind(before) + _kind(after)
    usual = (
        surprise for signs, pattern, surprise in _USUAL_NEIGHBOURS if sign in signs and pattern.fullmatch(neighbours)
    )
    return next(usual, _MISPLACED)
