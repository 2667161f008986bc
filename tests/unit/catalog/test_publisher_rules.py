"""Rules for the notations of single publishers, by literal tables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.publisher_rules import (
    FilmYear,
    GroupedWhole,
    Millions,
    Minutes,
    SeriesEnd,
    TitleYear,
    TrueFalse,
    UndatedTitle,
)
from tests.unit.catalog.agreement import BAD, assert_agreement, assert_cell, assert_nulls

TABLE: list[tuple[Rule, str, Any]] = [
    (Minutes(), "142 min", 142),
    (Minutes(), "142", 142),
    (Minutes(), "142.0", 142),
    (Minutes(), "-5 min", -5),
    (Minutes(), "142min", 142),
    (Minutes(), "142 minutes", 142),
    (Minutes(), " 142 Mins", 142),
    (Minutes(), "142 min.", 142),
    (Minutes(), "142m", 142),
    (Minutes(), "1,234 min", 1_234),
    (Minutes(), "142.0 min", 142),
    (Minutes(), "2 h 22 min", 142),
    (Minutes(), "2h 22min", 142),
    (Minutes(), "2h22m", 142),
    (Minutes(), "2h", 120),
    (Minutes(), "2 hours 5 minutes", 125),
    (Minutes(), "1h05", 65),
    (Minutes(), "PT142M", 142),
    (Minutes(), "PT2H22M", 142),
    (Minutes(), "PT2H", 120),
    (Minutes(), "PT", BAD),
    (Minutes(), "142 min min", BAD),
    (Minutes(), "2h 75m", BAD),
    (Minutes(), "1.5h", BAD),
    (Minutes(), "2:22", BAD),
    (Minutes(), "142 sec", BAD),
    (Minutes(), "142 mi", BAD),
    (Minutes(), "142.5 min", BAD),
    (Minutes(), "\uff11h", BAD),
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
    (GroupedWhole(), "0,123", BAD),
    (GroupedWhole(), "1.234.567", 1_234_567),
    (GroupedWhole(), "$237,000,000", 237_000_000),
    (Millions(), "333.13", 333_130_000),
    (Millions(), "0", 0),
    (Millions(), "0.04", 40_000),
    (Millions(), "936.123456", 936_123_456),
    (Millions(), "123456789012.5", 123_456_789_012_500_000),
    (Millions(), "-1.5", -1_500_000),
    (Millions(), "333.1300001", BAD),
    (Millions(), "1,5", 1_500_000),
    (Millions(), "$333.13M", 333_130_000),
    (Millions(), "US$ 333.13 M", 333_130_000),
    (Millions(), " 333.13m", 333_130_000),
    (Millions(), "-$1.5M", -1_500_000),
    (Millions(), "1,234", BAD),
    (Millions(), "1,234.5", BAD),
    (Millions(), "333,130,000", BAD),
    (Millions(), "€333.13M", BAD),
    (Millions(), "1.5B", BAD),
    (Millions(), "M", BAD),
    (Millions(), "1e3", BAD),
    (Millions(), ".5", BAD),
    (TrueFalse(), "True", True),
    (TrueFalse(), "FALSE", False),
    (TrueFalse(), "1", True),
    (TrueFalse(), "tRUE", True),
    (TrueFalse(), "yes", BAD),
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
    (FilmYear(), "1995", 1995),
    (FilmYear(), "(1995)", 1995),
    (FilmYear(), " (II) (1995) ", 1995),
    (FilmYear(), "(XIV)(1995)", 1995),
    (FilmYear(), "2008\u20132013", 2008),
    (FilmYear(), "(2008-2013)", 2008),
    (FilmYear(), "(I) (2019\u2013 )", 2019),
    (FilmYear(), "2019 \u2014 ", 2019),
    (FilmYear(), "(1995", BAD),
    (FilmYear(), "((1995))", BAD),
    (FilmYear(), "(1995) (1996)", BAD),
    (FilmYear(), "(Heat) (1995)", BAD),
    (FilmYear(), "1995-12", BAD),
    (FilmYear(), "1995-12-15", BAD),
    (FilmYear(), "2008-13", BAD),
    (FilmYear(), "TV Movie 2019", BAD),
    (FilmYear(), "\u0661\u0669\u0669\u0665", BAD),
    (SeriesEnd(), "2008\u20132013", 2013),
    (SeriesEnd(), " (I) (2008 - 2013)", 2013),
    (SeriesEnd(), "2019\u2013 ", None),
    (SeriesEnd(), "2008-13", None),
    (SeriesEnd(), "(1995)", None),
    (SeriesEnd(), "", None),
]
years = st.text(st.sampled_from("(I) -\u201319950\n\u00a0"), max_size=14) | st.sampled_from(
    ["1995", "(1995)", "(II) (1995)", "2008\u20132013", "(2019- )", " 2008 - 2013"]
)
titles = st.text(st.sampled_from("a1 90(-)\n\u00a0é"), max_size=12).flatmap(
    lambda text: st.sampled_from([text, text + " (1995)"])
)


# A cell that has a value.
PLAIN = {TitleYear: "x (1999)", FilmYear: "1999", SeriesEnd: "1999-2001"}


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    TABLE,
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else str(value)[:30],
)
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    assert_cell(rule, text, expected, PLAIN.get(type(rule), "1"))


@pytest.mark.parametrize("rule", [UndatedTitle(), TitleYear()], ids=lambda rule: type(rule).__name__)
@given(cells=st.lists(titles, min_size=1, max_size=10))
def test_columns_and_cells_of_titles_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


@pytest.mark.parametrize("rule", [FilmYear(), SeriesEnd()], ids=lambda rule: type(rule).__name__)
@given(cells=st.lists(years, min_size=1, max_size=10))
def test_columns_of_years_agree_with_cells(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


def test_a_column_of_nulls_is_no_trouble() -> None:
    assert_nulls(
        Minutes(), GroupedWhole(), Millions(), TrueFalse(), UndatedTitle(), TitleYear(), FilmYear(), SeriesEnd()
    )
