import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.search_words import LONGEST_KEY, key_of, keys_of, more_words, plain, plain_texts, query_words

TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from("abc XY'\u2019-.~éßøł七人の侍がदी"), st.characters(codec="utf-8")), max_size=250
)


def words_that_find(title: str, original: str | None = None) -> set[str]:
    """As the index has them."""
    titles, words = pa.array([title]), plain_texts(pa.array([title]))
    more = more_words(titles, words, pa.array([original], pa.string()))
    found = {*keys_of(words)[0].as_py().split(" ")}
    return found if more[0].as_py() is None else found | {*more[0].as_py().split(" ")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Matrix", "the matrix"),
        ("Amélie", "amelie"),
        ("ŁÓDŹ, Straße & Ærø", "lodz strasse aero"),
        ("İstanbul", "istanbul"),
        ("  WALL·E\t(2008) ", "wall e 2008"),
        ("Ночной дозор", "ночнои дозор"),
        ("हिन्दी फिल्म", "हिन्दी फिल्म"),
        ("七人の侍", "七人の侍"),
        ("???", "???"),
        ("¡!  …", "¡! …"),
        ("", ""),
    ],
)
def test_words_without_case_accents_and_punctuation(text: str, expected: str) -> None:
    assert plain(text) == expected
    assert plain_texts(pa.array([text, None])).to_pylist() == [expected, None]


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=20))
def test_a_column_has_the_words_of_its_texts(texts: list[str | None]) -> None:
    column = plain_texts(pa.array(texts, pa.string()))
    assert column.to_pylist() == [None if text is None else plain(text) for text in texts]
    assert keys_of(column).to_pylist() == [None if text is None else key_of(text) for text in texts]


@given(TEXTS, st.one_of(st.none(), TEXTS))
def test_the_database_takes_every_word(title: str, original: str | None) -> None:
    """No word is empty, and none has more than 2,046 bytes; a key fits into a B-tree."""
    if not plain(title):
        return
    assert all(0 < len(word.encode()) <= 2046 for word in words_that_find(title, original))
    assert len(key_of(title)) <= LONGEST_KEY


@given(TEXTS, TEXTS)
def test_a_row_is_found_by_what_its_titles_say(title: str, original: str) -> None:
    found = words_that_find(title, original) if plain(title) else set()
    for text in (title, original) if found else ():
        assert {*query_words(text)} <= found, text


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Don't Look Now", "dont look"),
        ("Don't Look Now", "don't"),
        ("L'Avventura", "avventura"),
        ("L\u2019Avventura", "lavventura"),
        ("七人の侍", "人の"),
        ("七人の侍", "侍"),
    ],
)
def test_a_title_is_found_by_how_people_type_it(title: str, query: str) -> None:
    *whole, begun = query_words(query)
    words = words_that_find(title)
    assert {*whole} <= words
    assert any(word.startswith(begun) for word in words) or begun in plain(title)


def test_a_part_of_a_column_is_read_as_that_part() -> None:
    texts = pa.array(["The Cube", "Amélie", None, "ÉTÉ!", "  Don't  "], pa.string())
    for begin in range(5):
        assert plain_texts(texts[begin:]).to_pylist() == plain_texts(texts).to_pylist()[begin:]


def test_what_equals_the_title_is_not_kept_twice() -> None:
    titles = pa.array(["Heat", "Amélie"])
    words = plain_texts(titles)
    assert more_words(titles, words, pa.array(["HEAT", "Le Fabuleux Destin"])).to_pylist() == [
        None,
        "le fabuleux destin",
    ]


def test_a_long_title_is_found_by_its_last_word() -> None:
    assert "word39" in words_that_find(" ".join(f"word{number}" for number in range(40)))
