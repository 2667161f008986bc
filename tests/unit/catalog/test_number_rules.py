"""Amounts, percentages and ids."""

from typing import Any

import pytest

from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.number_rules import Amount, IdNumber, Percentage, TitleId, TitleNumber
from tests.unit.catalog.agreement import BAD, assert_cell

TABLE: list[tuple[Rule, str, Any]] = [
    (Amount(), "30000000", 30_000_000),
    (Amount(), "30000000.0", 30_000_000),
    (Amount(), "$30,000,000", 30_000_000),
    (Amount(), "$ 2250", 2_250),
    (Amount(), "US$ 1,234", 1_234),
    (Amount(), "USD 1 000 000", 1_000_000),
    (Amount(), "1.000.000 USD", 1_000_000),
    (Amount(), "5\u00a0$", 5),
    (Amount(), "$1,234.00", 1_234),
    (Amount(), "-$5", -5),
    (Amount(), "$-5", -5),
    (Amount(), " $5 ", 5),
    (Amount(), "28,341,469", 28_341_469),
    (Amount(), "$1.000", BAD),
    (Amount(), "$1,234.56", BAD),
    (Amount(), "($5)", BAD),
    (Amount(), "-$-5", BAD),
    (Amount(), "$$5", BAD),
    (Amount(), "$1.2M", BAD),
    (Amount(), "$", BAD),
    # not in US dollars
    (Amount(), "€ 1.000.000", BAD),
    (Amount(), "CA$5", BAD),
    (Amount(), "A$5", BAD),
    (Amount(), "5 EUR", BAD),
    (Amount(), "ITL 45000", BAD),
    (Percentage(), "85%", 85.0),
    (Percentage(), "85 %", 85.0),
    (Percentage(), "85", 85.0),
    (Percentage(), "0.5%", 0.5),
    (Percentage(), "7,5\u00a0%", 7.5),
    (Percentage(), "%85", BAD),
    (Percentage(), "85%%", BAD),
    (Percentage(), "%", BAD),
    (Percentage(), "85‰", BAD),
    (IdNumber(), "862", "862"),
    (IdNumber(), "95765.0", "95765"),
    (IdNumber(), " 862\u00a0", "862"),
    (IdNumber(), "0114709", "0114709"),
    (IdNumber(), "9" * 30, "9" * 30),
    (IdNumber(), "9007199254740993.0", BAD),
    (IdNumber(), "862.00", BAD),
    (IdNumber(), "862.5", BAD),
    (IdNumber(), "1,234", BAD),
    (IdNumber(), "1 234", BAD),
    (IdNumber(), "-1", BAD),
    (IdNumber(), "+1", BAD),
    (IdNumber(), "1e3", BAD),
    (IdNumber(), "tt0114709", BAD),
    (IdNumber(), "1997-08-20", BAD),
    (IdNumber(), "٣", BAD),
    (IdNumber(), "", BAD),
    (TitleId(), "tt0111161", "tt0111161"),
    (TitleId(), "tt1", "tt1"),
    (TitleId(), " TT0111161", "tt0111161"),
    (TitleId(), "0111161", "tt0111161"),
    (TitleId(), "10872600", "tt10872600"),
    (TitleId(), "https://www.imdb.com/title/tt0499549/?ref_=fn_tt_tt_1", "tt0499549"),
    (TitleId(), "http://m.imdb.com/title/tt0499549", "tt0499549"),
    (TitleId(), "imdb.com/title/tt0499549/", "tt0499549"),
    (TitleId(), "111161", BAD),
    (TitleId(), "nm0000151", BAD),
    (TitleId(), "tt", BAD),
    (TitleId(), "tt12x", BAD),
    (TitleId(), "tt٣", BAD),
    (TitleId(), "0111161.0", BAD),
    (TitleId(), "https://example.com/title/tt0499549/", BAD),
    (TitleId(), "https://www.imdb.com/name/nm0000151/", BAD),
    (TitleNumber(), "0114709", "tt0114709"),
    (TitleNumber(), "12345678", "tt12345678"),
    (TitleNumber(), "114709", "tt0114709"),
    (TitleNumber(), "9", "tt0000009"),
    (TitleNumber(), "114709.0", "tt0114709"),
    (TitleNumber(), "tt0114709", "tt0114709"),
    (TitleNumber(), "https://www.imdb.com/title/tt0114709/", "tt0114709"),
    (TitleNumber(), "tt", BAD),
    (TitleNumber(), "nm0000151", BAD),
    (TitleNumber(), "1,147", BAD),
    (TitleNumber(), "-9", BAD),
    (TitleNumber(), "", BAD),
]


@pytest.mark.parametrize(
    ("rule", "text", "expected"), TABLE, ids=[f"{type(rule).__name__}-{text[:30]}" for rule, text, _ in TABLE]
)
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    assert_cell(rule, text, expected, "tt0000001" if isinstance(rule, TitleId) else "1")
