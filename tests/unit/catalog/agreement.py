"""What tests of parse rules have in common: one cell among others, and cells that are parsed in both ways."""

from typing import Any

import pyarrow as pa

from shared.catalog.rules.basic_rules import Rule

BAD = type("Bad", (), {"__repr__": lambda _: "bad"})()


def assert_cell(rule: Rule, text: str, expected: Any, plain: str = "1") -> None:
    """The cell is read as expected, alone and beside plain cells and a null."""
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
    """`convert` finds what `parse` finds, whether columns are rewritten or not."""
    column = pa.array(cells, pa.string())
    alone, failed_alone = rule.parse_each(column)
    values, failed = rule.convert(column)
    assert failed == failed_alone
    assert values.to_pylist() == alone.to_pylist()
    values, failed = rule.convert_rewritten(column)
    assert failed == failed_alone
    assert values.to_pylist() == alone.to_pylist()


def assert_nulls(*rules: Rule) -> None:
    """Nulls stay nulls."""
    for rule in rules:
        values, failed = rule.convert(pa.nulls(3, pa.string()))
        assert (values.type, values.to_pylist(), failed) == (rule.type, [None] * 3, [])
