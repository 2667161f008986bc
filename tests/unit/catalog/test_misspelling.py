"""Words that a mistyped one may have meant."""

import re

import pytest
from rapidfuzz.distance import OSA

from shared.catalog.misspelling import LONGEST, WORD, nearest_with_two, one_mistake_from


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("godfahter", "godfather"),
        ("godfaher", "godfather"),
        ("godfatther", "godfather"),
        ("gidfather", "godfather"),
        ("rodfather", "godfather"),
        ("odfather", "godfather"),
        ("godfathe", "godfather"),
        ("брат", "брак"),
        ("ορφεας", "ορφεασ"),
    ],
)
def test_the_word_is_one_mistake_away(typed: str, word: str) -> None:
    assert word in one_mistake_from(typed)


def test_all_of_them_are_one_mistake_away_and_come_once() -> None:
    found = one_mistake_from("alien")
    assert len(found) == len({*found}) == 4 + 6 * 26 - 5 + 5 + 5 * 25
    assert {OSA.distance("alien", text) for text in found} == {1}


def test_neighbours_in_the_wrong_order_are_the_likeliest_mistake() -> None:
    found = one_mistake_from("alein")
    assert found.index("alien") < found.index("allein") < found.index("klein")


def test_with_two_mistakes_the_nearest_are_first() -> None:
    assert nearest_with_two("schwarzeneg", ["schwarz", "schwarzenegg", "schwarzenn", "schwarzeneggr"]) == [
        "schwarzenegg",
        "schwarzeneggr",
        "schwarzenn",
    ]


@pytest.mark.parametrize(
    ("text", "is_word"),
    [
        ("star", True),
        ("amelie", True),
        ("звезда", True),
        ("기생충", False),
        ("기생충이", True),
        ("a" * LONGEST, True),
        ("a" * (LONGEST + 1), False),
        ("war", False),
        ("1984", False),
        ("se7en", False),
        ("~word", False),
        ("????", False),
        ("七人の侍", False),
        ("ต้มยำกุ้ง", False),
    ],
)
def test_what_can_be_looked_up(text: str, is_word: bool) -> None:
    assert bool(re.match(WORD, text)) == is_word
