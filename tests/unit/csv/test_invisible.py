"""What cannot be seen counts as nothing, in Python and in whole columns alike."""

import re
import sys
import unicodedata
from itertools import compress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv.invisible import (
    HIDDEN,
    INVISIBLE_PATTERN,
    VISIBLE_PATTERN,
    WHITE_SPACE,
    invisible_characters,
    is_blank,
    made_visible,
    without_invisible,
)

# all but the surrogates, which are no text
ALL = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point <= 0xDFFF]
# Drawn as nothing, although their category says otherwise: letters, combining marks and a symbol.
OTHER_CATEGORIES = {
    *"\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5",
    *"\u180b\u180c\u180d\u180f",
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
}


def test_the_set_is_that_of_unicode() -> None:
    found = {character for character in ALL if is_blank(character)}
    assert found == {*WHITE_SPACE, *HIDDEN}
    assert not {*WHITE_SPACE} & {*HIDDEN}
    invisible = {character for character in ALL if unicodedata.category(character) in ("Cf", "Cc", "Zs", "Zl", "Zp")}
    assert invisible <= found
    # Other versions of Unicode may not have assigned all of them (Cn).
    assert {one for one in found - invisible if unicodedata.category(one) != "Cn"} == OTHER_CATEGORIES
    assert {character for character in ALL if character.isspace()} - {*WHITE_SPACE} == {*"\x1c\x1d\x1e\x1f"}


def test_what_is_unassigned_is_ignorable_by_default_or_of_a_later_unicode() -> None:
    unassigned = {ord(character) for character in HIDDEN if unicodedata.category(character) == "Cn"}
    ignorable = {0x2065, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
    assert unassigned <= ignorable | {*range(0x13439, 0x13440), 0x180F}


def test_the_patterns_mean_the_same_to_python_and_to_re2() -> None:
    cells, text = pa.array(ALL), "".join(ALL)
    blank = np.fromiter(map(is_blank, ALL), dtype=bool, count=len(ALL))
    for pattern, expected in ((INVISIBLE_PATTERN, blank), (VISIBLE_PATTERN, ~blank)):
        assert np.array_equal(pc.match_substring_regex(cells, pattern).to_numpy(zero_copy_only=False), expected)
        assert re.sub(pattern, "", text) == "".join(compress(ALL, ~expected))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        ("\u200b", ""),
        ("\u200btitle", "title"),
        ("\ufeff  Release\u200b Date\u00a0", "Release Date"),
        ("\u2800 \u00ad", ""),
        ("A\u00a0B", "A\u00a0B"),
        ("\t1000\n", "1000"),
        ("Good\u200bFilm", "GoodFilm"),
    ],
)
def test_hidden_characters_are_removed_anywhere_and_white_space_around(text: str, left: str) -> None:
    assert without_invisible(text) == left
    assert is_blank(text) == (left == "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("1000\u200b", "1000\\u200b"),
        (" a\u00a0b\t", " a\\xa0b\\t"),
        ("\U000e0001x\x00", "\\U000e0001x\\x00"),
        ("Amélie 日本語", "Amélie 日本語"),
    ],
)
def test_escapes_show_what_cannot_be_seen(text: str, shown: str) -> None:
    assert made_visible(text) == shown


@given(st.text(st.sampled_from(["a", " ", "\u00a0", "\u200b", "\u3164", "\n", "é"])))
def test_the_functions_agree(text: str) -> None:
    assert is_blank(text) == (without_invisible(text) == "")
    assert (made_visible(text) != text) == bool(invisible_characters(text))
    assert all(is_blank(character) for character in invisible_characters(text))
    assert not re.search(INVISIBLE_PATTERN, made_visible(text).replace(" ", ""))
