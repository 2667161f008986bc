"""Lists are what JSON and Python's `repr` write; whatever merely resembles them is no list."""

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.rules.literals import literal_list

READ: list[tuple[str, list[Any]]] = [
    ("[]", []),
    (" [ ] ", []),
    ("['English', 'Français']", ["English", "Français"]),
    ("['a','b']", ["a", "b"]),
    ("""["it's", 'say "yes"', 'it\\'s "both"']""", ["it's", 'say "yes"', 'it\'s "both"']),
    (r"['a\\b\n\t\r\x00\x1f\xa0\xad\u200b\U000e0001']", ["a\\b\n\t\r\x00\x1f\xa0\xad\u200b\U000e0001"]),
    (r'["a\/b\b\f\u00e9\ud83d\ude00"]', ["a/b\b\fé😀"]),
    ("[1, -1, 0, 1.5, 1e+16, -2.5e-07, True, False, None]", [1, -1, 0, 1.5, 1e16, -2.5e-07, True, False, None]),
    ("[true, false, null, 1E5]", [True, False, None, 1e5]),
    ("[{'id': 16, 'name': 'A', 'of': [{'x': []}, {}]}]", [{"id": 16, "name": "A", "of": [{"x": []}, {}]}]),
    ("[\n 'a',\n 'b'\n]\n", ["a", "b"]),
    # numpy
    ("['English' 'Deutsch']", ["English", "Deutsch"]),
    ("""['English'\n "it's"]""", ["English", "it's"]),
    ("[u'a' u'b']", ["a", "b"]),
    # Python 2
    ("[u'English', u'Fran\\xe7ais', u'\\u65e5\\u672c\\u8a9e']", ["English", "Français", "日本語"]),
    ("[u'\\ud83d\\ude00', {u'name': u\"it's\"}]", ["😀", {"name": "it's"}]),
    ("['Fran\\xc3\\xa7ais', 'English', '\\xe6\\x97\\xa5\\xe6\\x9c\\xac']", ["Français", "English", "日本"]),
    ("['\\xf0\\x9f\\x98\\x80']", ["😀"]),
]
REFUSED = (
    # expressions
    *("['a' 'b', 'c']", "['a', 'b' 'c']", "['a'  'b']", "['a''b']", "['a' ['b']]", "['a' None]", "['a'\n'b']"),
    *("[1+2]", "[1+2j]", "[2j]", "[+1]", "[--1]", "[- 1]", "[~1]", "[not True]", "['a' + 'b']", "['a' * 2]", "[(1)]"),
    *("('a', 'b')", "['a', ('b',)]", "{'a'}", "[{'a'}]", "['a'][0]", "[*'a']", "[a]", "[...]", "[set()]", "['a' if 1]"),
    *("[b'a']", "[f'a']", "[r'a']", "[rb'a']", "[U'a']", "['''a''']", "[ur'a']", "[uu'a']", "[u 'a']"),
    # commas, comments, brackets
    *("['a',]", "['a',,'b']", "[,]", "[,'a']", "[{'a': 1,}]", "['a'] # x", "['a' # x\n]", "['a'", "'a']", "['a']]"),
    *("[[]", "['a'] ['b']", "['a'], ['b']", "['a']x", "x['a']", "", " ", "[", "]", "[}", "{]", "[{]}", "['a', }"),
    # objects
    *("[{'a': 1, 'a': 1}]", '[{"a": 1, "a": 2}]', "[{1: 2}]", "[{None: 2}]", "[{'a'}]", "[{'a':}]", "[{: 1}]"),
    *("[{'a' 1}]", "[{'a': 1 'b': 2}]", "[{'a': 1: 2}]", "[{'a', 'b'}]", "[{**{}}]", "[{['a']: 1}]", "{'a': 1}"),
    # numbers
    *("[007]", "[0x1F]", "[0b1]", "[0o7]", "[1_000]", "[1.]", "[.5]", "[1.5.5]", "[1e5]['a']", "[1e5, 'a']", "[16L]"),
    *(
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "[nan]",
        "[inf]",
        "['a', NaN]",
        "[\uff11\uff12]",
        "[٣]",
        "[½]",
        "[1a]",
        "[True1]",
    ),
    *("[true, None]", "[null, 'a']", "[TRUE]", "[none]", "['a', true]"),
    # texts
    *("['a\nb']", "['a\tb']", '["a\nb"]', "['a\\\nb']", "['a\\d']", "['\\101']", "['\\N{BULLET}']", "['\\x4']"),
    *("['\\x41']", "['\\u0041']", "['\\xE9']", "['\\a']", "['\\U00110000']", "[\"a']", "['a\"]", "['it's']", "[“a”]"),
    # bytes that are no UTF-8, and letters that were decoded wrongly before
    *("['Fran\\xe7ais']", "['L\\x92oeil']", "['\\xc3']", "['é\\xc3\\xa9']", "['\\u65e5\\xc3\\xa9']"),
    *("['\\xed\\xa0\\x80']", "[u'Fran\\xc3\\xa7ais']", "[u'L\\x92oeil']", "[u'\\ud83d']"),
    # sizes
    *("[" * 21 + "'a'" + "]" * 21, "[" * 50_000, "[" + "-" * 50_000 + "1]", "['" + "a" * 99_997 + "']"),
    "[" + "9" * 5_000 + "]",
)

C1_CONTROLS = "".join(map(chr, range(0x80, 0xA0)))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=C1_CONTROLS), max_size=6)
scalars = st.one_of(
    texts, st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
members = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3))
)
lists = st.lists(members, max_size=4)
PARTS = (
    """[ ] { } ( ) : , 'a' "b" u'c' b'd' '\\xe9' '\\xc3\\xa9' "\\u00e9" 1 -1 01 1_0 1.5 1e5 2j + - # None null NaN"""
).split()


@pytest.mark.parametrize(("text", "expected"), READ, ids=[text[:40] for text, _ in READ])
def test_a_list(text: str, expected: list[Any]) -> None:
    found = literal_list(text)
    assert found == expected
    assert repr(found) == repr(expected)  # True is not 1


@pytest.mark.parametrize("text", REFUSED, ids=[text[:40] for text in REFUSED])
def test_no_list(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  parse rules have no other error
        literal_list(text)


@given(lists)
def test_what_python_and_json_write_comes_back(value: list[Any]) -> None:
    for text in (repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False), ascii(value)):
        if "\\x" not in text or text == repr(value):
            assert literal_list(text) == value


@given(st.lists(st.sampled_from([*PARTS, " "]), max_size=12).map("".join))
def test_no_list_is_another_one_than_python_or_json_reads(text: str) -> None:
    try:
        found = literal_list(f"[{text}]")
    except ValueError:
        return
    if "\\x" in text or "' '" in text or '" "' in text or "' \"" in text or "\" '" in text or " u" in text:
        return  # of Python 2 or of numpy
    try:
        expected = json.loads(f"[{text}]")
    except ValueError:
        expected = ast.literal_eval(f"[{text}]")
    assert repr(found) == repr(expected)
