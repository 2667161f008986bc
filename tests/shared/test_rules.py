"""Parse rules by small literal tables; `convert` (columns) and `parse` (cells) must agree."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.rules import CommaList, Decimal, Flag, IsoDate, ListLiteral, Rule, Whole, Year

BAD = object()

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
    (CommaList(), "Drama,Short", ["Drama", "Short"]),
]


@pytest.mark.parametrize(("rule", "text", "expected"), TABLE, ids=lambda value: str(value)[:30])
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    # Beside a plain cell and a null, so that the whole-column way is taken too.
    plain = {"date": "1999-01-01", "list of text": "['x']", "boolean": "1", "year": "1999"}.get(rule.name, "1")
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


@pytest.mark.parametrize("rule", [Whole(), Decimal(), IsoDate(), Year(), Flag()], ids=lambda rule: rule.name)
@given(cells=st.lists(st.text(st.sampled_from("0123456789.-+e "), max_size=12), min_size=1, max_size=20))
def test_columns_and_cells_agree(rule: Rule, cells: list[str]) -> None:
    values, failed = rule.convert(pa.array(cells, pa.string()))
    alone, alone_failed = rule.parse_each(pa.array(cells, pa.string()))
    assert failed == alone_failed
    assert values.to_pylist() == alone.to_pylist()


def test_a_column_of_nulls_is_no_trouble() -> None:
    for rule in (Whole(), Decimal(), IsoDate(), Year(), Flag(), ListLiteral(), CommaList(), Rule()):
        values, failed = rule.convert(pa.nulls(3, pa.string()))
        assert values.to_pylist() == [None, None, None]
        assert failed == []
