"""The index in memory finds the texts that have all words of a query, the last one only begun."""

import pytest

from api.search.word_index import WordIndex
from shared.database.queries.search.matching import Query

TEXTS = ["the matrix", "matrix", "the matrix reloaded", "a mat", "theme of matrices"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mat", [0, 1, 2, 3, 4]),
        ("matrix", [0, 1, 2]),
        ("the mat", [0, 2]),
        ("reloaded the", [2]),
        ("them", [4]),
        ("zebra", []),
        ("zebra mat", []),
    ],
)
def test_texts_with_all_words(text: str, found: list[int]) -> None:
    assert WordIndex(TEXTS).matching(Query(text)) == found


def test_one_spelling_of_a_word_is_enough() -> None:
    query = Query("teh matrx", {"teh": ["the", "ten"], "matrx": ["matrix"]})
    assert WordIndex(TEXTS).matching(query) == [0, 2]


def test_of_no_texts_none_is_found() -> None:
    assert WordIndex([]).matching(Query("mat")) == []
