"""Parse rules by small literal tables; `convert` (columns) and `parse` (cells) must agree."""

import json
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.list_rules import CommaList, FirstId, ListLiteral, Names, PipeList
from shared.catalog.publisher_rules import GroupedWhole, Millions, Minutes, TitleYear, TrueFalse, UndatedTitle
from shared.catalog.rules import Decimal, Flag, IsoDate, Rule, Whole, Year

BAD = type("Bad", (), {"__repr__": lambda _: "bad"})()

TABLE: list[tuple[Rule, str, Any]] = [
    (Whole(), "0", 0),
    (Whole(), "30000000.0", 30_000_000),
    (Whole(), "12.00", 12),
    (Whole(), "007", 7),
    (Whole(), "-5", -5),
    (Whole(), "9223372036854775807", 2**63 - 1),
    (Whole(), "9223372036854775808", BAD),
    (Whole(), "12.5", BAD),
    (Whole(), "1e5", BAD),
    (Whole(), "", BAD),
    (Whole(), " 1", BAD),
    (Whole(), "1.", BAD),
    (Whole(), "½", BAD),
    (Whole(), "٣", BAD),
    (Whole(), "NaN", BAD),
    (Decimal(), "7.7", 7.7),
    (Decimal(), "10", 10.0),
    (Decimal(), "-1", -1.0),
    (Decimal(), "1e1", 10.0),
    (Decimal(), "nan", BAD),
    (Decimal(), "inf", BAD),
    (Decimal(), "1e999", BAD),
    (Decimal(), "7,7", BAD),
    (IsoDate(), "1995-10-30", date(1995, 10, 30)),
    (IsoDate(), "2024-02-29", date(2024, 2, 29)),
    (IsoDate(), "2023-02-29", BAD),
    (IsoDate(), "1900-02-29", BAD),
    (IsoDate(), "2023-13-01", BAD),
    (IsoDate(), "2023-00-10", BAD),
    (IsoDate(), "2023-01-00", BAD),
    (IsoDate(), "0000-01-01", BAD),
    (IsoDate(), "30/10/1995", BAD),
    (IsoDate(), "1995-10-30T00:00:00", BAD),
    (Year(), "1894", 1894),
    (Year(), "94", BAD),
    (Flag(), "0", False),
    (Flag(), "1", True),
    (Flag(), "2", BAD),
    (Flag(), "True", BAD),
    (ListLiteral(), "['English', 'Français']", ["English", "Français"]),
    (ListLiteral(), '["English"]', ["English"]),
    (ListLiteral(), "[]", []),
    (ListLiteral(), "['it\\'s']", ["it's"]),
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
    (CommaList(), "Drama,Short", ["Drama", "Short"]),
    (CommaList(), "Action, Crime,  Drama ", ["Action", "Crime", "Drama"]),
    (CommaList(), "Drama", ["Drama"]),
    (CommaList(), "Drama|Short", ["Drama|Short"]),
    (CommaList(), "Drama,,Short", BAD),
    (CommaList(), "Drama,", BAD),
    (CommaList(), " ", BAD),
    (PipeList(), "Adventure|Children|Film-Noir", ["Adventure", "Children", "Film-Noir"]),
    (PipeList(), "Action, Comedy", ["Action, Comedy"]),
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
    (Minutes(), "142 min", 142),
    (Minutes(), "142", 142),
    (Minutes(), "142.0", 142),
    (Minutes(), "-5 min", -5),
    (Minutes(), "142min", BAD),
    (Minutes(), "142 minutes", BAD),
    (Minutes(), "142 min min", BAD),
    (Minutes(), "2 h 22 min", BAD),
    (Minutes(), " min", BAD),
    (GroupedWhole(), "28,341,469", 28_341_469),
    (GroupedWhole(), "28341469", 28_341_469),
    (GroupedWhole(), "-1,000", -1_000),
    (GroupedWhole(), "9,223,372,036,854,775,807", 2**63 - 1),
    (GroupedWhole(), "9,223,372,036,854,775,808", BAD),
    (GroupedWhole(), "28,34", BAD),
    (GroupedWhole(), "2834,469", BAD),
    (GroupedWhole(), ",469", BAD),
    (GroupedWhole(), "1.234,5", BAD),
    (GroupedWhole(), "1.234.567", BAD),
    (GroupedWhole(), "$237,000,000", BAD),
    (Millions(), "333.13", 333_130_000),
    (Millions(), "0", 0),
    (Millions(), "0.04", 40_000),
    (Millions(), "936.123456", 936_123_456),
    (Millions(), "123456789012.5", 123_456_789_012_500_000),
    (Millions(), "-1.5", -1_500_000),
    (Millions(), "333.1300001", BAD),
    (Millions(), "1,5", BAD),
    (Millions(), "$333.13M", BAD),
    (Millions(), "1e3", BAD),
    (Millions(), ".5", BAD),
    (TrueFalse(), "True", True),
    (TrueFalse(), "FALSE", False),
    (TrueFalse(), "1", BAD),
    (TrueFalse(), "tRUE", BAD),
    (TrueFalse(), " - Written by", BAD),
    (UndatedTitle(), "Toy Story (1995)", "Toy Story"),
    (UndatedTitle(), "Rocky VI (1986) ", "Rocky VI"),
    (UndatedTitle(), "Angst  (1983)", "Angst"),
    (UndatedTitle(), "(500) Days of Summer (2009)", "(500) Days of Summer"),
    (UndatedTitle(), "City, The (Cité, La) (1995)", "City, The (Cité, La)"),
    (UndatedTitle(), "Blade Runner 2049", "Blade Runner 2049"),
    (UndatedTitle(), "Fawlty Towers (1975-1979)", "Fawlty Towers (1975-1979)"),
    (UndatedTitle(), "two\nlines (1995)", "two\nlines"),
    (UndatedTitle(), "(1995)", "(1995)"),
    (UndatedTitle(), "Fahrenheit(1966)", "Fahrenheit(1966)"),
    (TitleYear(), "Toy Story (1995)", 1995),
    (TitleYear(), "Rocky VI (1986) ", 1986),
    (TitleYear(), "2001: A Space Odyssey (1968)", 1968),
    (TitleYear(), "Big Bang Theory, The (2007-)", None),
    (TitleYear(), "Hyena Road", None),
    (TitleYear(), "(1995)", None),
    (TitleYear(), "Toy Story (1995)\n", None),
    (TitleYear(), "Toy Story (٣٣٣٣)", None),
]

# the other cells of the column: a text that each rule takes
PLAIN: dict[type[Rule], str] = {
    IsoDate: "1999-01-01",
    Year: "1999",
    ListLiteral: "['x']",
    Names: "[{'id': 1, 'name': 'x'}]",
    FirstId: "[{'id': 1, 'name': 'x'}]",
    TrueFalse: "True",
    TitleYear: "x (1999)",
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
titles = st.text(st.sampled_from("a1 90(-)\n\u00a0é"), max_size=12).flatmap(
    lambda text: st.sampled_from([text, text + " (1995)"])
)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    TABLE,
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else str(value)[:30],
)
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    # Beside a plain cell and a null, so that the whole-column way is taken too.
    plain = PLAIN.get(type(rule), "1")
    values, failed = rule.convert(pa.array([plain, text, None, plain], pa.string()))
    assert values.type == rule.type
    assert values[0].as_py() is not None
    assert values[2].as_py() is None
    if expected is BAD:
        assert failed == [1]
        assert values[1].as_py() is None
    else:
        assert failed == []
        assert values[1].as_py() == expected


def assert_agreement(rule: Rule, cells: list[str]) -> None:
    values, failed = rule.convert(pa.array(cells, pa.string()))
    alone, alone_failed = rule.parse_each(pa.array(cells, pa.string()))
    assert failed == alone_failed
    assert values.to_pylist() == alone.to_pylist()


NUMBER_RULES = [Whole(), Decimal(), IsoDate(), Year(), Flag(), Minutes(), GroupedWhole(), Millions()]


@pytest.mark.parametrize("rule", NUMBER_RULES, ids=lambda rule: type(rule).__name__)
@given(
    cells=st.lists(
        st.text(st.sampled_from("0123456789.,-+e "), max_size=12).flatmap(
            lambda text: st.sampled_from([text, text + " min"])
        ),
        min_size=1,
        max_size=20,
    )
)
def test_columns_and_cells_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


@pytest.mark.parametrize("rule", [ListLiteral(), Names(), FirstId()], ids=lambda rule: type(rule).__name__)
@given(cells=st.lists(literals, min_size=1, max_size=10))
def test_columns_and_cells_of_literals_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


@pytest.mark.parametrize(
    "rule", [UndatedTitle(), TitleYear(), CommaList(), TrueFalse()], ids=lambda rule: type(rule).__name__
)
@given(cells=st.lists(titles, min_size=1, max_size=10))
def test_columns_and_cells_of_titles_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


def test_what_tmdb_writes_is_decided_by_whole_columns() -> None:
    cells = [
        "[{'id': 16, 'name': 'Animation'}]",
        '[{"name": "Bob\'s", "id": 3}]',
        "[{'iso_639_1': 'fr', 'name': 'Français'}]",
    ]
    assert Names().convert_plain(pa.array(cells))[1].to_pylist() == [True, True, True]
    assert FirstId().convert_plain(pa.array(cells))[1].to_pylist() == [True, True, False]


def test_a_column_of_nulls_is_no_trouble() -> None:
    for rule in (*{type(rule): rule for rule, _text, _value in TABLE}.values(), Rule()):
        values, failed = rule.convert(pa.nulls(3, pa.string()))
        assert values.to_pylist() == [None, None, None]
        assert failed == []
