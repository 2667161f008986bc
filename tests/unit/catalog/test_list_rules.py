"""Rules of cells that hold several values, by literal tables."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.list_rules import (
    CommaList,
    ControlList,
    FirstId,
    GappyCommaList,
    IdList,
    Ids,
    IdsWhere,
    ListLiteral,
    Names,
    PipeList,
)
from tests.unit.catalog.agreement import BAD, assert_agreement, assert_cell, assert_nulls

DIRECTORS = IdsWhere("job", "Director")
TABLE: list[tuple[Rule, str, Any]] = [
    (ListLiteral(), "['English', 'Français']", ["English", "Français"]),
    (ListLiteral(), '["English"]', ["English"]),
    (ListLiteral(), "[]", []),
    (ListLiteral(), "['it\\'s']", ["it's"]),
    (ListLiteral(), "['English' 'Deutsch']", ["English", "Deutsch"]),
    (ListLiteral(), "['English'\n 'Deutsch']", ["English", "Deutsch"]),
    (ListLiteral(), "['English' 'Deutsch', 'x']", BAD),
    (ListLiteral(), "['Fran\\xc3\\xa7ais']", ["Français"]),
    (ListLiteral(), "['Fran\\xe7ais']", BAD),
    (ListLiteral(), "[1+2j]", BAD),
    (ListLiteral(), "{'a', 'b'}", BAD),
    (ListLiteral(), "('a', 'b')", BAD),
    (ListLiteral(), "English", BAD),
    (ListLiteral(), "[1]", BAD),
    (ListLiteral(), "{'a': 1}", BAD),
    (ListLiteral(), "['a'", BAD),
    (ListLiteral(), "[" * 5000, BAD),
    (ListLiteral(), "['a\\x00b']", BAD),
    (ListLiteral(), '["\\ud800"]', BAD),
    (ListLiteral(), "__import__('os')", BAD),
    (ListLiteral(), "['a\\d']", BAD),
    (ListLiteral(), "['" + "a" * 99_996 + "']", ["a" * 99_996]),
    (ListLiteral(), "['" + "a" * 99_997 + "']", BAD),
    (ListLiteral(), '["Self","Host"]', ["Self", "Host"]),
    (ListLiteral(), '["Self", "Host"]', ["Self", "Host"]),
    (ListLiteral(), '["a, b","","["]', ["a, b", "", "["]),
    (ListLiteral(), '["Man in \\"Hat\\""]', ['Man in "Hat"']),
    (ListLiteral(), '["a" "b"]', ["a", "b"]),
    (ListLiteral(), '["a",  "b"]', ["a", "b"]),
    (ListLiteral(), '["a",]', BAD),
    (ListLiteral(), '["a""b"]', BAD),
    (ListLiteral(), '["a\tb"]', BAD),
    (Ids(), "[{'id': 31, 'name': 'Tom'}, {'name': 'Tim', 'id': 12898}]", ["31", "12898"]),
    (Ids(), '[{"id": 0}]', ["0"]),
    (Ids(), "[]", []),
    (Ids(), "[{'id': -1}]", BAD),
    (Ids(), "[{'id': '31'}]", BAD),
    (Ids(), "[{'id': True}]", BAD),
    (Ids(), "[{'id': 9223372036854775808}]", BAD),
    (Ids(), "[{'name': 'Tom'}]", BAD),
    (Ids(), "[31]", BAD),
    (DIRECTORS, "[{'id': 1, 'job': 'Director'}, {'id': 2, 'job': 'Producer'}]", ["1"]),
    (DIRECTORS, "[{'id': 2, 'job': 'Director'}, {'id': 1, 'job': 'Director'}]", ["2", "1"]),
    (DIRECTORS, "[{'id': 2, 'job': 'Director'}, {'id': 2, 'job': 'Director'}]", ["2"]),
    (DIRECTORS, "[{'id': 2, 'job': 'Co-Director'}, {'id': 3, 'job': None}, {'id': 4}]", []),
    (DIRECTORS, "[{'name': 'Tom', 'job': 'Director'}]", BAD),
    (DIRECTORS, "['Director']", BAD),
    (IdList("nm"), "nm0000151", ["nm0000151"]),
    (IdList("nm"), "nm0000151,nm0000209", ["nm0000151", "nm0000209"]),
    (IdList("nm"), "nm0000151, nm0000209 ", ["nm0000151", "nm0000209"]),
    (IdList("nm"), "nm0000151,tt0000209", BAD),
    (IdList("nm"), "nm0000151,", BAD),
    (IdList("nm"), "nm", BAD),
    (IdList("nm"), "nm1\u0663", BAD),
    (IdList("nm"), "", BAD),
    (ControlList(), "working\x02festival", ["working", "festival"]),
    (ControlList(), "title (with, marks)", ["title (with, marks)"]),
    (ControlList(), "working\x02", BAD),
    (ControlList(), " ", BAD),
    (CommaList(), "Drama,Short", ["Drama", "Short"]),
    (CommaList(), "Action, Crime,  Drama ", ["Action", "Crime", "Drama"]),
    (CommaList(), "Drama", ["Drama"]),
    (CommaList(), "Drama|Short", BAD),
    (CommaList(), "Drama,,Short", BAD),
    (CommaList(), "Drama,", BAD),
    (CommaList(), " ", BAD),
    (CommaList(), "Drama,\u200b", BAD),
    (GappyCommaList(), ", France, ,Algeria,", ["France", "Algeria"]),
    (GappyCommaList(), " , ,", BAD),
    (GappyCommaList(), "France|Algeria", BAD),
    (CommaList(), "Drama\u00a0,\u3000Short", ["Drama", "Short"]),
    (PipeList(), "Adventure|Children|Film-Noir", ["Adventure", "Children", "Film-Noir"]),
    (PipeList(), "Action, Comedy", BAD),
    (PipeList(), "Adventure||Children", BAD),
    (Names(), "[{'id': 16, 'name': 'Animation'}, {'id': 35, 'name': 'Comedy'}]", ["Animation", "Comedy"]),
    (Names(), '[{"id": 16, "name": "Animation"}]', ["Animation"]),
    (Names(), "[{'name': 'Pixar', 'id': 3}]", ["Pixar"]),
    (Names(), "[{'name': \"Bob's\", 'id': 3}, {'name': 'x'}]", ["Bob's", "x"]),
    (Names(), "[{'iso_639_1': 'fr', 'name': 'Français'}, {'iso_639_1': 'xx', 'name': ''}]", ["Français", ""]),
    (Names(), '[{"iso_639_1": "es", "name": "Espa\\u00f1ol"}]', ["Español"]),
    (Names(), "[{'name': 'a, {b}]', 'id': 1, 'logo': None}]", ["a, {b}]"]),
    (Names(), "[{'name': 'old', 'name': 'new'}]", BAD),
    (Names(), "[]", []),
    (Names(), "[{}]", BAD),
    (Names(), "[{'id': 16}]", BAD),
    (Names(), "[{'id': 16, 'name': None}]", BAD),
    (Names(), "[{'id': 16, 'name': 'Animation'}, {'id': 35}]", BAD),
    (Names(), "[{'id': 16, 'name': 'Anima' 'tion'}]", BAD),
    (Names(), "[{'id': 16, 'name': 'Animation'},]", BAD),
    (Names(), '[{"id": NaN, "name": "Animation"}]', BAD),
    (Names(), "[{u'id': 16, u'name': u'Ann\\xe9e'}]", ["Année"]),
    (Names(), "[{'id': 16, 'name': 'Animation'}", BAD),
    (Names(), "[{'id': 016, 'name': 'Animation'}]", BAD),
    (Names(), "['Animation']", BAD),
    (Names(), "{'id': 16, 'name': 'Animation'}", BAD),
    (Names(), "[REC]", BAD),
    (Names(), '["Rififi"] a film', BAD),
    (Names(), "False", BAD),
    (Names(), "Animation", BAD),
    (Names(), "[{'id': 16, 'name': 'a\\x00b'}]", BAD),
    (Names(), '[{"id": 16, "name": "\\ud800"}]', BAD),
    (Names(), "[{'id': 16, 'name': '" + "a" * 100_000 + "'}]", BAD),
    (Names(), "[{'name': " * 20_000, BAD),
    (Names(), "[" + "-" * 50_000 + "1]", BAD),
    (FirstId(), "[{'id': 16, 'name': 'Animation'}, {'id': 35, 'name': 'Comedy'}]", 16),
    (FirstId(), '[{"name": "Pixar", "id": 3}]', 3),
    (FirstId(), "[{'id': 1, 'name': 'x', 'id': 2}]", BAD),
    (FirstId(), "[{'id': -5, 'name': 'x'}]", -5),
    (FirstId(), "[{'id': 9223372036854775807}]", 2**63 - 1),
    (FirstId(), "[{'id': 9223372036854775808}]", BAD),
    (FirstId(), "[]", None),
    (FirstId(), "[{'name': 'x'}, {'id': 3, 'name': 'y'}]", BAD),
    (FirstId(), "[{'id': '16', 'name': 'x'}]", BAD),
    (FirstId(), "[{'id': True, 'name': 'x'}]", BAD),
    (FirstId(), "[{'id': 16.0, 'name': 'x'}]", BAD),
    (FirstId(), "[16]", BAD),
]
# the other cells of the column: a text that each rule takes
PLAIN: dict[type[Rule], str] = {
    ListLiteral: "['x']",
    Names: "[{'id': 1, 'name': 'x'}]",
    FirstId: "[{'id': 1, 'name': 'x'}]",
    Ids: "[{'id': 1, 'name': 'x'}]",
    IdsWhere: "[{'id': 1, 'name': 'x'}]",
    IdList: "nm0000001",
}
LITERAL_PARTS = (
    """[ ] { } : , 'id' "id" 'name' "name" 'x' "y's" 'z"' '\\x41' "\\u0041" 1 -1 01 None null True 1.5""".split()
)

keys = st.sampled_from(["id", "name", "iso_639_1", "iso_3166_1", "logo"])
texts = st.sampled_from(["", "x", "y's", 'z"', "\\", "é", "a\nb", "\0", "\ud800"])
values = st.one_of(st.integers(-1, 10**20), texts, st.none(), st.booleans(), st.just(1.5))
items = st.one_of(st.lists(st.dictionaries(keys, values, max_size=3), max_size=3), st.lists(texts, max_size=3))
written = st.one_of(items.map(repr), items.map(json.dumps))
malformed = st.tuples(written, st.integers(0, 80)).map(lambda drawn: drawn[0][: drawn[1]] + drawn[0][drawn[1] + 1 :])
literals = st.one_of(written, malformed, st.lists(st.sampled_from([*LITERAL_PARTS, " "])).map("".join))


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    TABLE,
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else str(value)[:30],
)
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    assert_cell(rule, text, expected, PLAIN.get(type(rule), "1"))


@pytest.mark.parametrize(
    "rule", [ListLiteral(), Names(), FirstId(), Ids(), IdsWhere("name", "x")], ids=lambda rule: type(rule).__name__
)
@given(cells=st.lists(literals, min_size=1, max_size=10))
def test_columns_and_cells_of_literals_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


@pytest.mark.parametrize("rule", [CommaList(), PipeList(), ControlList()], ids=lambda rule: type(rule).__name__)
@given(cells=st.lists(st.text(st.sampled_from("a,|; \u00a0\u200b\x1c\x02\n")), min_size=1, max_size=10))
def test_columns_and_cells_of_separated_values_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


@given(cells=st.lists(st.text(st.sampled_from("nmt12, \n\u0663")), min_size=1, max_size=10))
def test_columns_and_cells_of_ids_agree(cells: list[str]) -> None:
    assert_agreement(IdList("nm"), cells)


def test_what_imdb_writes_is_decided_by_whole_columns() -> None:
    characters = ['["Herself"]', '["Self","Host"]', '["\\"Hat\\""]', "[]"]
    assert ListLiteral().convert_plain(pa.array(characters))[1].to_pylist() == [True, True, False, False]
    assert IdList("tt").convert_plain(pa.array(["tt1,tt2", "tt1, tt2"]))[1].to_pylist() == [True, False]


def test_rules_with_other_words_are_others() -> None:
    assert len({IdList("nm"), IdList("nm"), IdList("tt")}) == 2
    assert len({DIRECTORS, IdsWhere("job", "Director"), IdsWhere("job", "Writer"), Ids()}) == 3


def test_what_tmdb_writes_is_decided_by_whole_columns() -> None:
    cells = [
        "[{'id': 16, 'name': 'Animation'}]",
        '[{"name": "Bob\'s", "id": 3}]',
        "[{'iso_639_1': 'fr', 'name': 'Français'}]",
    ]
    assert Names().convert_plain(pa.array(cells))[1].to_pylist() == [True, True, True]
    assert FirstId().convert_plain(pa.array(cells))[1].to_pylist() == [True, True, False]


def test_a_column_of_nulls_is_no_trouble() -> None:
    assert_nulls(ListLiteral(), Names(), FirstId(), CommaList(), PipeList())
    assert_nulls(Ids(), DIRECTORS, IdList("nm"), ControlList())
