"""Parse rules by small literal tables; `convert` (columns) and `parse` (cells) must agree."""

import decimal
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.dataset import Column
from shared.catalog.rules.basic_rules import Decimal, Flag, IsoDate, Rule, Whole, Year
from shared.catalog.rules.number_rules import Amount, IdNumber, Percentage, TitleId, TitleNumber
from shared.catalog.rules.publisher_rules import GroupedWhole, LifeYear, Millions, Minutes, Stars, TrueFalse
from shared.catalog.rules.time_rules import UnixSeconds
from tests.unit.catalog.agreement import BAD, assert_agreement, assert_cell, assert_nulls

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
    (Whole(), " 1", 1),
    (Whole(), "\u00a01\u3000\n", 1),
    (Whole(), "+5", 5),
    (Whole(), "1,234", 1_234),
    (Whole(), "-1,234,567", -1_234_567),
    (Whole(), "1,234,567.00", 1_234_567),
    (Whole(), "1.234.567", 1_234_567),
    (Whole(), "1.234,0", 1_234),
    (Whole(), "30000000,0", 30_000_000),
    (Whole(), "30 000 000", 30_000_000),
    (Whole(), "30\u00a0000\u00a0000,00", 30_000_000),
    (Whole(), "1\u202f234", 1_234),
    (Whole(), "1'234'567.0", 1_234_567),
    (Whole(), "9,223,372,036,854,775,807", 2**63 - 1),
    (Whole(), "9,223,372,036,854,775,808", BAD),
    (Whole(), "0.000", 0),
    (Whole(), "1234.000", 1_234),
    # thousands or decimals
    (Whole(), "1.234", BAD),
    (Whole(), "1.000", BAD),
    (Whole(), "-1.000", BAD),
    (Whole(), "1234,000", BAD),
    (Whole(), "0,123", BAD),
    (Whole(), "0,000", 0),
    (Whole(), "1 234,000", BAD),
    (Whole(), "1,23,456", BAD),
    (Whole(), "1,234 567", BAD),
    (Whole(), "1,234.5", BAD),
    (Whole(), "1.234,5", BAD),
    (Whole(), "1  234", BAD),
    (Whole(), "- 5", BAD),
    (Whole(), "(1,234)", BAD),
    (Whole(), "$5", BAD),
    (Whole(), "5%", BAD),
    (Whole(), "1.2M", BAD),
    (Whole(), "1_000", BAD),
    (Whole(), "1\u200b", BAD),
    (Whole(), "1.", BAD),
    (Whole(), "½", BAD),
    (Whole(), "٣", BAD),
    (Whole(), "\uff11\uff12", BAD),
    (Whole(), "NaN", BAD),
    (Whole(), "0x1F", BAD),
    (Whole(), "\u00a0", BAD),
    (Decimal(), "7.7", 7.7),
    (Decimal(), "10", 10.0),
    (Decimal(), "-1", -1.0),
    (Decimal(), "1e1", 10.0),
    (Decimal(), "nan", BAD),
    (Decimal(), "inf", BAD),
    (Decimal(), "1e999", BAD),
    (Decimal(), "infinity", BAD),
    (Decimal(), "1_0.5", BAD),
    (Decimal(), "\uff17.5", BAD),
    (Decimal(), "7,7", 7.7),
    (Decimal(), "0,123", 0.123),
    (Decimal(), "7,1234", 7.1234),
    (Decimal(), "1,234.5", 1234.5),
    (Decimal(), "1.234,5", 1234.5),
    (Decimal(), "-1,234,567", -1_234_567.0),
    (Decimal(), "1.234.567", 1_234_567.0),
    (Decimal(), "1 234,5", 1234.5),
    (Decimal(), "\t7.5 ", 7.5),
    (Decimal(), "1.234", 1.234),
    # thousands or decimals
    (Decimal(), "1,234", BAD),
    (Decimal(), "2834,469", BAD),
    (Decimal(), "1,2,3", BAD),
    (Decimal(), "1,234,56", BAD),
    (Decimal(), ".5", BAD),
    (Decimal(), "7.", BAD),
    (Decimal(), "7,", BAD),
    (Decimal(), "$7.5", BAD),
    (Decimal(), "85%", BAD),
    (IsoDate(), "1995-10-30", date(1995, 10, 30)),
    (IsoDate(), "2024-02-29", date(2024, 2, 29)),
    (IsoDate(), "2023-02-29", BAD),
    (IsoDate(), "1900-02-29", BAD),
    (IsoDate(), "2023-13-01", BAD),
    (IsoDate(), "2023-00-10", BAD),
    (IsoDate(), "2023-01-00", BAD),
    (IsoDate(), "0000-01-01", BAD),
    (IsoDate(), "30/10/1995", BAD),
    (IsoDate(), " 1995-10-30\u00a0", date(1995, 10, 30)),
    (IsoDate(), "1995-10-30T00:00:00", date(1995, 10, 30)),
    (IsoDate(), "2024-02-29 00:00:00.000", date(2024, 2, 29)),
    (IsoDate(), "1995-10-30T00:00Z", date(1995, 10, 30)),
    (IsoDate(), "1995-10-30T22:00:00.000Z", BAD),
    (IsoDate(), "1995-10-30T00:00:00+02:00", BAD),
    (IsoDate(), "2023-02-29T00:00:00", BAD),
    (IsoDate(), "1995-10-30T", BAD),
    (IsoDate(), "19951030", BAD),
    (IsoDate(), "1995-W44-1", BAD),
    (IsoDate(), "1995W441", BAD),
    (IsoDate(), "1995-303", BAD),
    (IsoDate(), "1995-1-3", BAD),
    (IsoDate(), "\uff11995-10-30", BAD),
    (IsoDate(), "1995- 10-30", BAD),
    (Year(), "1894", 1894),
    (Year(), "1995.0", 1995),
    (Year(), " 1995\u00a0", 1995),
    (Year(), "1995.00", BAD),
    (Year(), "1,995", BAD),
    (Year(), "1 995", BAD),
    (Year(), "+1995", BAD),
    (Year(), "94", BAD),
    (Year(), "\u0661\u0669\u0669\u0665", BAD),
    (Stars(), "4.5", 4.5),
    (Stars(), "4,5", 4.5),
    (Stars(), "4/5", BAD),
    (LifeYear(), "1894", 1894),
    (LifeYear(), "65", 65),
    (LifeYear(), "4.0", 4),
    (LifeYear(), " 1995\u00a0", 1995),
    (LifeYear(), "-43", BAD),
    (LifeYear(), "43 BC", BAD),
    (LifeYear(), "1,995", BAD),
    (LifeYear(), "19999", BAD),
    (UnixSeconds(), "964982703", datetime(2000, 7, 30, 18, 45, 3, tzinfo=UTC)),
    (UnixSeconds(), "1112486027", datetime(2005, 4, 2, 23, 53, 47, tzinfo=UTC)),
    (UnixSeconds(), "2005-04-02 23:53:47", datetime(2005, 4, 2, 23, 53, 47, tzinfo=UTC)),
    (UnixSeconds(), "2004-02-29T00:00:00.000Z", datetime(2004, 2, 29, tzinfo=UTC)),
    (UnixSeconds(), " 2005-04-02T23:53:47+00:00", datetime(2005, 4, 2, 23, 53, 47, tzinfo=UTC)),
    (UnixSeconds(), "964982703.0", datetime(2000, 7, 30, 18, 45, 3, tzinfo=UTC)),
    (UnixSeconds(), "9999999999", datetime(2286, 11, 20, 17, 46, 39, tzinfo=UTC)),
    # another zone, or milliseconds, or no moment that files of ratings have
    (UnixSeconds(), "2005-04-02T23:53:47+02:00", BAD),
    (UnixSeconds(), "964982703000", BAD),
    (UnixSeconds(), "964982703.5", BAD),
    (UnixSeconds(), "0964982703", BAD),
    (UnixSeconds(), "-964982703", BAD),
    (UnixSeconds(), "0", BAD),
    (UnixSeconds(), "1969-12-31 23:59:59", BAD),
    (UnixSeconds(), "2005-02-29 00:00:00", BAD),
    (UnixSeconds(), "2005-04-02 24:00:00", BAD),
    (UnixSeconds(), "2005-04-02", BAD),
    (UnixSeconds(), "", BAD),
    (Flag(), "0", False),
    (Flag(), "1", True),
    (Flag(), "2", BAD),
    (Flag(), "True", True),
    (Flag(), "FALSE", False),
    (Flag(), " true ", True),
    (Flag(), "1.0", True),
    (Flag(), "0.0", False),
    (Flag(), "yes", BAD),
    (Flag(), "t", BAD),
    (Flag(), "01", BAD),
    (Flag(), "", BAD),
]
# the other cells of the column: a text that each rule takes
PLAIN: dict[type[Rule], str] = {IsoDate: "1999-01-01", Year: "1999", UnixSeconds: "964982703"}


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    TABLE,
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else str(value)[:30],
)
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    assert_cell(rule, text, expected, PLAIN.get(type(rule), "1"))


NUMBER_RULES = [
    *(Whole(), Decimal(), IsoDate(), Year(), Flag(), TrueFalse()),
    *(Minutes(), GroupedWhole(), Millions(), Amount(), Percentage(), IdNumber(), TitleId()),
    *(TitleNumber(), LifeYear(), Stars(), UnixSeconds()),
]
# What numbers, dates and flags are made of, and what lenient parsers take for it.
NUMBER_PARTS = (
    *("0", "1", "9", "12", "000", "234", "1999", "00", "12345678", "999999999999999999"),
    *(
        ".",
        ",",
        " ",
        "\u00a0",
        "\u202f",
        "\u2009",
        "'",
        "\u2019",
        "-",
        "+",
        "_",
        "e",
        "E5",
        "\n",
        "\t",
        "\u3000",
        "\x1c",
    ),
    *(
        "$",
        "US$",
        "USD",
        "\u20ac",
        "%",
        "(",
        ")",
        "M",
        "m",
        "k",
        "h",
        " min",
        "mins",
        "pt",
        "PT1H",
        "hours",
        "tt",
        "TT",
    ),
    *("true", "True", "FALSE", "yes", "inf", "nan", "Infinity", "0x1", "1e5", ".0", ".000", ",000", "1,234", "1.234"),
    *("1995-10-30", "2024-02-29", "2023-02-29", "0000-01-01", "T00:00:00", " 00:00", "Z", "-W01-1", "19951030"),
    *("964982703", "9649827", " 18:45:03", "T23:59:60", "+00:00", "+02:00", "1969-12-31"),
    *("\uff11", "\u0663", "\u00bd", "\u200b", "\ufeff", "\u017f", "\u212a", "https://www.imdb.com/title/", "/?x"),
)
number_cells = st.lists(st.sampled_from(NUMBER_PARTS), max_size=5).map("".join)


@pytest.mark.parametrize("rule", NUMBER_RULES, ids=lambda rule: type(rule).__name__)
@given(cells=st.lists(number_cells, min_size=1, max_size=20))
def test_columns_and_cells_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


POINTS = [("", "."), (",", "."), (".", ","), (" ", ","), ("\u00a0", ","), ("'", "."), ("", ",")]


@given(st.integers(-(10**12), 10**12), st.integers(0, 5), st.sampled_from(POINTS))
def test_a_number_in_any_notation_is_this_number_or_none(digits: int, decimals: int, points: tuple[str, str]) -> None:
    value = decimal.Decimal(digits).scaleb(-decimals)
    text = f"{value:,.{decimals}f}".translate({ord(","): points[0], ord("."): points[1]})
    try:
        # a single point is the decimal point
        assert Decimal().parse(text) == float(text if points[0] == "." and re.fullmatch(r"-?\d+\.\d+", text) else value)
    except ValueError:
        assert decimals in (0, 3), text  # the digits behind the mark may be a group
    if value == int(value) and not (decimals == 3 and points[1] == ","):
        try:
            assert Whole().parse(text) == int(value)
        except ValueError:
            assert decimals in (0, 3), text


def test_rules_are_equal_if_they_mean_the_same() -> None:
    assert Whole() == Whole()
    assert hash(Whole()) == hash(Whole())
    assert Whole() != Amount()
    assert Whole() != Year()
    assert len({rule for rule in NUMBER_RULES for _ in range(2)} | {type(rule)() for rule in NUMBER_RULES}) == 17
    assert Column("a", "a", Whole(), "") == Column("a", "a", Whole(), "")


def test_a_column_of_nulls_is_no_trouble() -> None:
    assert_nulls(*NUMBER_RULES, Rule())
