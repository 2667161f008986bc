"""Text as search compares it: without case, accents and punctuation.

`plain` makes lower-case words, separated by single spaces. Rows keep them in fields that readers do not see, so the
database needs no extension to find them: a title's or name's `key`, which also sorts, and `more_words` for what else
finds the row.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# An entry of a B-tree has at most 2,704 bytes, a word of the full-text index 2,046, and a character up to four.
LONGEST_KEY: Final = 100

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
UNSPACED_CHARACTERS: Final = (
    "\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED_RUN: Final = re.compile(f"[{UNSPACED_CHARACTERS}]+")

# Bytes of ASCII text in lower case, and a space for each that is no letter or digit; other bytes stay.
_PLAIN_BYTES: Final = bytes(
    code if code >= 0x80 else ord(chr(code).lower() if chr(code).isalnum() else " ") for code in range(0x100)
)


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
    return _words(text) or " ".join(text.casefold().split())


def plain_texts(texts: pa.StringArray) -> pa.StringArray:
    """The same for a column; null stays null."""
    spaced = _single_spaced(_plain_bytes(texts))
    is_easy = pc.and_(pc.string_is_ascii(texts), pc.not_equal(spaced, ""))
    if pc.all(is_easy).as_py():
        return spaced
    others = pc.fill_null(pc.invert(is_easy), False)
    return pc.replace_with_mask(spaced, others, _plain_by_words(texts.filter(others)))


def keys_of(words: pa.StringArray) -> pa.StringArray:
    """The beginnings of `plain_texts`, which sort and compare: at most `LONGEST_KEY` characters."""
    return pc.utf8_rtrim(pc.utf8_slice_codeunits(words, 0, LONGEST_KEY), " ")


def key_of(text: str) -> str:
    """The key of one text."""
    return plain(text)[:LONGEST_KEY].rstrip(" ")


def more_words(titles: pa.StringArray, words: pa.StringArray, others: pa.StringArray | None = None) -> pa.StringArray:
    """What finds a row besides its key, which is the beginning of `words`; null for most rows.

    `others`: its other title. The words are of at most `LONGEST_KEY` characters.
    """
    rest = _if(words, pc.greater(pc.utf8_length(words), LONGEST_KEY))
    parts = [rest, _joined(titles, words), _pairs(words)]
    if others is not None:
        # most titles are equal as they are written
        others = _if(others, pc.not_equal(others, titles))
        if others.null_count < len(others):
            other = plain_texts(others)
            differs = pc.not_equal(other, words)
            other = _if(other, differs)
            parts += [other, _joined(_if(others, differs), other), _pairs(other)]
    present = [part for part in parts if part.null_count < len(part)]
    if len(present) > 1:
        found = pc.binary_join_element_wise(*present, " ", null_handling="replace")
        found = pc.utf8_trim(pc.replace_substring_regex(found, " +", " "), " ")
    else:
        found = present[0] if present else pa.nulls(len(words), pa.string())
    if pc.any(pc.greater(pc.binary_length(found), LONGEST_KEY)).as_py():
        found = pc.replace_substring_regex(found, rf"(\S{{{LONGEST_KEY}}})\S+", r"\1")
    return _if(found, pc.not_equal(found, ""))


def query_words(text: str) -> list[str]:
    """The words that a row must have to match a query, each once; the last one may be only begun."""
    return list(dict.fromkeys(word[:LONGEST_KEY] for part in plain(text).split() for word in _pairs_or_word(part)))


def _words(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(unicodedata.normalize("NFC", decomposed.translate(_CHARACTERS)).split())


def _plain_by_words(texts: pa.StringArray) -> pa.StringArray:
    """The same as `plain`: nothing that it does reaches over a space, so it does each distinct word once."""
    parts = pc.split_pattern(texts, " ")
    encoded = parts.flatten().dictionary_encode()
    words = pa.array([_words(word) for word in encoded.dictionary.to_pylist()], pa.string())
    joined = _single_spaced(pc.binary_join(pa.ListArray.from_arrays(parts.offsets, words.take(encoded.indices)), " "))
    has_none = pc.equal(joined, "")
    if not pc.any(has_none).as_py():
        return joined
    wordless = pa.array([plain(text) for text in texts.filter(has_none).to_pylist()], pa.string())
    return pc.replace_with_mask(joined, has_none, wordless)


def _single_spaced(texts: pa.StringArray) -> pa.StringArray:
    return pc.binary_join(pc.ascii_split_whitespace(pc.ascii_trim(texts, " ")), " ")


def _plain_bytes(texts: pa.StringArray) -> pa.StringArray:
    """The same texts with other bytes: letters in lower case, spaces for what is no letter or digit."""
    missing, offsets, data = texts.buffers()
    if data is None:
        return texts
    plain_data = pa.py_buffer(data.to_pybytes().translate(_PLAIN_BYTES))
    return pa.StringArray.from_buffers(len(texts), offsets, plain_data, missing, texts.null_count, texts.offset)


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
    # most plain words are ASCII, which is found out in a fraction of the time
    possible = pc.fill_null(pc.invert(pc.string_is_ascii(words)), False)
    pairs = [" ".join(_pairs_of(text)) or None for text in words.filter(possible).to_pylist()]
    return pc.replace_with_mask(pa.nulls(len(words), pa.string()), possible, pa.array(pairs, pa.string()))


def _pairs_or_word(word: str) -> list[str]:
    run = _UNSPACED_RUN.fullmatch(word)
    return list(_pairs_of(word)) if run and len(word) > 2 else [word]


def _pairs_of(text: str) -> Iterator[str]:
    for run in _UNSPACED_RUN.findall(text):
        yield from (run[start : start + 2] for start in range(max(len(run) - 1, 1)))
