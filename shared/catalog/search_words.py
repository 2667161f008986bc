"""Text as search compares it: without case, accents and punctuation.

`plain` makes lower-case words, separated by single spaces. Rows keep them in fields that readers do not see, so the
database needs no extension to find them: a title's or name's `key`, which also sorts, and `more_words` for what else
finds the row. A word of an overview begins with `~`, so that it never counts as one of a title.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# An entry of a B-tree has at most 2,704 bytes, a word of the full-text index 2,046, and a character up to four.
LONGEST_KEY: Final = 100
OVERVIEW_MARK: Final = "~"

# Letters that Unicode does not decompose into another one and an accent.
_LETTERS: Final = {
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ħ": "h",
    "\u0131": "i",
    "ŧ": "t",
}
# Accents of Latin, Greek and Cyrillic letters, vowel points of Hebrew, vowel signs of Arabic.
_ACCENTS: Final = (range(0x300, 0x370), range(0x591, 0x5C8), range(0x64B, 0x660), range(0x670, 0x671))
_APOSTROPHES: Final = "['\u2019\u02bc]"
# Scripts without spaces between words: any two neighbouring characters count as a word.
_UNSPACED: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]"
_UNSPACED_RUN: Final = re.compile(
    "[\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)

# Words that nearly every overview has.
_STOP_WORDS: Final = (
    *("a", "about", "after", "all", "also", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "do"),
    *(
        "for",
        "from",
        "get",
        "has",
        "have",
        "he",
        "her",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
    ),
    *("more", "must", "no", "not", "of", "on", "one", "only", "or", "other", "out", "s", "she", "so", "than", "that"),
    *("the", "their", "them", "then", "there", "they", "this", "to", "up", "was", "were", "what", "when", "where"),
    *("which", "while", "who", "will", "with", "you"),
)
_BETWEEN_WORDS: Final = rf"(?:[\x00-/:-@\[-`{{-\x7f]+|\b(?:{'|'.join(_STOP_WORDS)})\b)+"


class _Characters(dict[int, str | None]):
    """What each character becomes, found out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        kept = _LETTERS.get(character)
        if kept is None and not any(code in accents for accents in _ACCENTS):
            kept = character if unicodedata.category(character)[0] in "LNM" else " "
        self[code] = kept
        return kept


_CHARACTERS: Final = _Characters()


def plain(text: str) -> str:
    """The words of a text; of one that has none, as `???`, what it consists of."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    words = unicodedata.normalize("NFC", decomposed.translate(_CHARACTERS)).split()
    return " ".join(words or text.casefold().split())


def plain_texts(texts: pa.StringArray) -> pa.StringArray:
    """The same for a column; null stays null."""
    lower = pc.ascii_lower(texts)
    spaced = pc.utf8_trim(pc.replace_substring_regex(lower, "[^a-z0-9]+", " "), " ")
    is_easy = pc.and_(pc.string_is_ascii(texts), pc.not_equal(spaced, ""))
    if pc.all(is_easy).as_py():
        return spaced
    others = pc.fill_null(pc.invert(is_easy), False)
    words = pa.array([plain(text) for text in texts.filter(others).to_pylist()], pa.string())
    return pc.replace_with_mask(spaced, others, words)


def keys_of(words: pa.StringArray) -> pa.StringArray:
    """The beginnings of `plain_texts`, which sort and compare: at most `LONGEST_KEY` characters."""
    return pc.utf8_rtrim(pc.utf8_slice_codeunits(words, 0, LONGEST_KEY), " ")


def key_of(text: str) -> str:
    """The key of one text."""
    return plain(text)[:LONGEST_KEY].rstrip(" ")


def more_words(
    titles: pa.StringArray,
    words: pa.StringArray,
    others: pa.StringArray | None,
    overviews: pa.StringArray | None = None,
) -> pa.StringArray:
    """What finds a row besides its key, which is the beginning of `words`; null for most rows.

    `others`: its other title. The words are of at most `LONGEST_KEY` characters.
    """
    rest = _if(words, pc.greater(pc.utf8_length(words), LONGEST_KEY))
    joined = _joined(titles, words)
    parts = [rest, joined, _pairs(words)]
    if others is not None:
        other = plain_texts(others)
        differs = pc.fill_null(pc.not_equal(other, words), False)
        if pc.any(differs).as_py():
            other = _if(other, differs)
            parts += [other, _joined(_if(others, differs), other), _pairs(other)]
    if overviews is not None:
        parts.append(_of_overviews(overviews))
    present = [part for part in parts if part.null_count < len(part)]
    if not present:
        return pa.nulls(len(words), pa.string())
    found = pc.binary_join_element_wise(*present, " ", null_handling="replace")
    short = pc.replace_substring_regex(found, rf"(\S{{{LONGEST_KEY}}})\S+", r"\1")
    spaced = pc.utf8_trim(pc.replace_substring_regex(short, " +", " "), " ")
    return _if(spaced, pc.not_equal(spaced, ""))


def query_words(text: str) -> list[str]:
    """The words that a row must have to match a query, each once; the last one may be only begun."""
    return list(dict.fromkeys(word[:LONGEST_KEY] for part in plain(text).split() for word in _pairs_or_word(part)))


def _if(texts: pa.StringArray, condition: pa.BooleanArray) -> pa.StringArray:
    return pc.if_else(pc.fill_null(condition, False), texts, pa.scalar(None, pa.string()))


def _joined(titles: pa.StringArray, words: pa.StringArray) -> pa.StringArray:
    """`dont` for `Don't`, whose words are `don` and `t`; null for titles without an apostrophe."""
    found = pc.fill_null(pc.match_substring_regex(titles, _APOSTROPHES), False)
    if not pc.any(found).as_py():
        return pa.nulls(len(words), pa.string())
    joined = plain_texts(pc.replace_substring_regex(titles.filter(found), _APOSTROPHES, ""))
    return pc.replace_with_mask(pa.nulls(len(words), pa.string()), found, joined)


def _pairs(words: pa.StringArray) -> pa.StringArray:
    """All pairs of neighbours in texts of scripts without spaces; null for other texts."""
    found = pc.fill_null(pc.match_substring_regex(words, _UNSPACED), False)
    if not pc.any(found).as_py():
        return pa.nulls(len(words), pa.string())
    pairs = [" ".join(_pairs_of(text)) for text in words.filter(found).to_pylist()]
    return pc.replace_with_mask(pa.nulls(len(words), pa.string()), found, pa.array(pairs, pa.string()))


def _pairs_or_word(word: str) -> list[str]:
    run = _UNSPACED_RUN.fullmatch(word)
    return list(_pairs_of(word)) if run and len(word) > 2 else [word]


def _pairs_of(text: str) -> Iterator[str]:
    for run in _UNSPACED_RUN.findall(text):
        yield from (run[start : start + 2] for start in range(max(len(run) - 1, 1)))


def _of_overviews(overviews: pa.StringArray) -> pa.StringArray:
    is_other = pc.fill_null(pc.invert(pc.string_is_ascii(overviews)), False)
    texts = pc.ascii_lower(overviews)
    if pc.any(is_other).as_py():
        words = pa.array([plain(text) for text in overviews.filter(is_other).to_pylist()], pa.string())
        texts = pc.replace_with_mask(texts, is_other, words)
    between = pc.replace_substring_regex(texts, _BETWEEN_WORDS, f" {OVERVIEW_MARK}")
    marked = pc.binary_join_element_wise(OVERVIEW_MARK, between, "")
    return pc.utf8_rtrim(pc.replace_substring(marked, f"{OVERVIEW_MARK} ", ""), f" {OVERVIEW_MARK}")
