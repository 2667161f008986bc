"""Arrays, ranges and words as PostgreSQL writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.seeding.literals import bounds_of_range, items_of_array, words_of_tsvector

ITEMS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")))


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("{}", []),
        ("{a}", ["a"]),
        ('{"Deleted Scenes",Trailers}', ["Deleted Scenes", "Trailers"]),
        ("{a,NULL,b}", ["a", "b"]),
        ('{"NULL"}', ["NULL"]),
        ('{""}', [""]),
        (r'{"say \"hi\"","C:\\x","a,b","{c}"}', ['say "hi"', r"C:\x", "a,b", "{c}"]),
        ("[2:3]={a,b}", ["a", "b"]),
    ],
)
def test_an_array_has_its_items(text: str, items: list[str]) -> None:
    assert items_of_array(text) == items


@given(ITEMS)
def test_every_array_is_read(items: list[str]) -> None:
    quoted = ('"' + item.replace("\\", r"\\").replace('"', r"\"") + '"' for item in items)
    assert items_of_array("{" + ",".join(quoted) + "}") == items


@pytest.mark.parametrize("text", ["", "a", "{a", "a}", "{{a},{b}}", "{a,}", "{,a}", '{"a}', '{"a"b}', '{a"b"}'])
def test_what_is_no_array_of_one_dimension_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="array"):
        items_of_array(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("'academi':1", ["academi"]),
        ("'academi':1 'battl':15,18A 'must'", ["academi", "battl", "must"]),
        (r"'it''s':3 'a b':1B 'c\\d'", ["it's", "a b", r"c\d"]),
    ],
)
def test_a_tsvector_has_its_words(text: str, words: list[str]) -> None:
    assert words_of_tsvector(text) == words


@pytest.mark.parametrize("text", ["academi", "'academi", "'a':x", "'a':1x'b':2"])
def test_what_is_no_tsvector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="tsvector"):
        words_of_tsvector(text)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ('["2005-05-24 22:54:33","2005-05-28 19:40:33")', ("2005-05-24 22:54:33", "2005-05-28 19:40:33")),
        ('["2005-05-24 22:54:33+00",)', ("2005-05-24 22:54:33+00", None)),
        ("[2005-05-24,2005-05-28)", ("2005-05-24", "2005-05-28")),
        ("(,5]", (None, "5")),
        ("(,)", (None, None)),
        ("empty", (None, None)),
        (r'["a""b","c\\d")', ('a"b', r"c\d")),
    ],
)
def test_a_range_has_two_bounds(text: str, bounds: tuple[str | None, str | None]) -> None:
    assert bounds_of_range(text) == bounds


@pytest.mark.parametrize("text", ["", "1,2", "[1,2", "[1)", "[1,2,3)", '["1,2)'])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        bounds_of_range(text)
