"""Numbers and dates in the notation that a schema names, and which date formats a sample fits."""

import decimal
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.formatted_rules import DATE_FORMATS, Day, Number, WholeNumber, candidate_formats
from tests.unit.catalog.agreement import BAD, assert_agreement, assert_cell, assert_nulls

GERMAN, FRENCH = Number(",", "."), Number(",", " ")
LOOSE, LOOSE_WHOLE = Number(bare_number=False), WholeNumber(",", bare_number=False)
TABLE: list[tuple[Rule, str, Any]] = [
    (Number(), "7.5", 7.5),
    (Number(), "-1e3", -1000.0),
    (Number(), " 7.5\u00a0", 7.5),
    (Number(), "7,5", BAD),
    (Number(), "1,234.5", BAD),
    (Number(), "nan", BAD),
    (Number(), "Infinity", BAD),
    (Number(), "1e999", BAD),
    (Number(), "٣", BAD),
    (Number(","), "7,5", 7.5),
    (Number(","), "1,234", 1.234),
    (Number(","), "1.5", BAD),
    (GERMAN, "1.234,5", 1234.5),
    (GERMAN, "1.234", 1234.0),
    (GERMAN, "-1.234.567", -1_234_567.0),
    (GERMAN, "1234,5", 1234.5),
    (GERMAN, "1,234", 1.234),
    (GERMAN, "1.5", BAD),
    (GERMAN, "0.123", BAD),
    (GERMAN, "1,234.5", BAD),
    (GERMAN, "1.234.5", BAD),
    (GERMAN, "€ 5", BAD),
    (FRENCH, "1 234,5", 1234.5),
    (FRENCH, "1\u202f234\u202f567", 1_234_567.0),
    (FRENCH, "1 234\u00a0567", BAD),
    (Number(".", ","), "12,34,567.8", 1_234_567.8),
    (Number(".", ","), "12,34", BAD),
    (Number(".", ","), "12,34,56,789", 123_456_789.0),
    (GERMAN, "12.34.567", BAD),
    (LOOSE, "95%", 95.0),
    (LOOSE, "€ 95.5", 95.5),
    (LOOSE, "-$5", -5.0),
    (LOOSE, "US$ -5 each", -5.0),
    (LOOSE, "142 min", 142.0),
    (LOOSE, "1.5e3", 1500.0),
    (LOOSE, "7.5", 7.5),
    # what would multiply or divide the number, and what is two numbers
    (LOOSE, "1.2M", BAD),
    (LOOSE, "1.2 million", BAD),
    (LOOSE, "$5k", BAD),
    (LOOSE, "5-10", BAD),
    (LOOSE, "5 of 10", BAD),
    (LOOSE, "8/10", BAD),
    (LOOSE, "(5)", BAD),
    (LOOSE, "5-", BAD),
    (LOOSE, ".5", BAD),
    (LOOSE, "$ .5", BAD),
    (LOOSE, "1,234", BAD),
    (LOOSE, "five", BAD),
    (LOOSE, "", BAD),
    (WholeNumber(), "1234", 1234),
    (WholeNumber(), "1234.0", 1234),
    (WholeNumber(), "1.000", 1),
    (WholeNumber(), "1,234", BAD),
    (WholeNumber(), "1.5", BAD),
    (WholeNumber(), "1e3", BAD),
    (WholeNumber("."), "1.000", 1000),
    (WholeNumber("."), "-1.234.567,00", -1_234_567),
    (WholeNumber("."), "1,5", BAD),
    (WholeNumber("."), "9.223.372.036.854.775.807", 2**63 - 1),
    (WholeNumber("."), "9.223.372.036.854.775.808", BAD),
    (LOOSE_WHOLE, "$1,234", 1234),
    (LOOSE_WHOLE, "1,234 votes", 1234),
    (LOOSE_WHOLE, "$1.5", BAD),
    (Day("%d/%m/%Y"), "31/12/1999", date(1999, 12, 31)),
    (Day("%d/%m/%Y"), "1/2/2003", date(2003, 2, 1)),
    (Day("%d/%m/%Y"), " 01/02/2003 ", date(2003, 2, 1)),
    (Day("%d/%m/%Y"), "29/02/2024", date(2024, 2, 29)),
    (Day("%d/%m/%Y"), "29/02/2023", BAD),
    (Day("%d/%m/%Y"), "12/31/1999", BAD),
    (Day("%d/%m/%Y"), "31-12-1999", BAD),
    (Day("%d/%m/%Y"), "31/12/99", BAD),
    (Day("%d/%m/%Y"), "1999-12-31", BAD),
    (Day("%d/%m/%Y"), "031/12/1999", BAD),
    (Day("%d/%m/%Y"), "0/12/1999", BAD),
    (Day("%d/%m/%Y"), "31/0/1999", BAD),
    (Day("%d/%m/%Y"), "01/01/0000", BAD),
    (Day("%d/%m/%Y"), "\uff101/02/2003", BAD),
    (Day("%m/%d/%Y"), "01/02/2003", date(2003, 1, 2)),
    (Day("%m/%d/%y"), "01/02/68", date(2068, 1, 2)),
    (Day("%m/%d/%y"), "01/02/69", date(1969, 1, 2)),
    (Day("%m/%d/%y"), "01/02/2003", BAD),
    (Day("%d-%b-%Y"), "01-Jan-1995", date(1995, 1, 1)),
    (Day("%d-%b-%Y"), "01-SEPT-1995", date(1995, 9, 1)),
    (Day("%d-%b-%Y"), "01-September-1995", date(1995, 9, 1)),
    (Day("%d-%b-%Y"), "01-Foo-1995", BAD),
    (Day("%d-%b-%Y"), "01-Janu-1995", BAD),
    (Day("%B %d, %Y"), "September 9, 2019", date(2019, 9, 9)),
    (Day("%B %d, %Y"), "may  09,\u00a02019", date(2019, 5, 9)),
    (Day("%B %d, %Y"), "September 9 2019", BAD),
    (Day("%Y%m%d"), "19991231", date(1999, 12, 31)),
    (Day("%Y%m%d"), "1999123", BAD),
    (Day("%Y-%m-%dT%H:%M:%S"), "1999-12-31T23:59:59", date(1999, 12, 31)),
    (Day("%Y-%m-%dT%H:%M:%S"), "1999-12-31T24:00:00", BAD),
    (Day("%Y-%m-%dT%H:%M:%S"), "1999-12-31", BAD),
    (Day("%Y-%m-%dT%H:%M:%S.%fZ"), "1999-12-31T00:00:00.000Z", date(1999, 12, 31)),
]
# the other cells of the column
PLAIN = {
    "%d/%m/%Y": "02/01/2003",
    "%m/%d/%Y": "02/01/2003",
    "%m/%d/%y": "02/01/03",
    "%d-%b-%Y": "02-Jan-2003",
    "%B %d, %Y": "January 2, 2003",
    "%Y%m%d": "20030102",
    "%Y-%m-%dT%H:%M:%S": "2003-01-02T03:04:05",
    "%Y-%m-%dT%H:%M:%S.%fZ": "2003-01-02T03:04:05.000Z",
}


@pytest.mark.parametrize(("rule", "text", "expected"), TABLE, ids=[f"{rule.message}-{text}" for rule, text, _ in TABLE])
def test_cell(rule: Rule, text: str, expected: Any) -> None:
    plain = next((cell for format_, cell in PLAIN.items() if rule == Day(format_)), "1")
    assert_cell(rule, text, expected, plain)


NUMBER_PARTS = (
    *("0", "1", "12", "234", "000", ".", ",", " ", "\u00a0", "\u202f", "'", "-", "+", "e3", "_", "(", ")", "\n", "\t"),
    *("$", "€", "%", "USD", "k", "M", "\u212a", "million", "of", "Rs.", "inf", "nan", "\u0663", "\uff11", "\u200b"),
)
RULES = [Number(), Number(","), GERMAN, FRENCH, LOOSE, WholeNumber(), WholeNumber("."), LOOSE_WHOLE]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.notations[0]))
@given(cells=st.lists(st.lists(st.sampled_from(NUMBER_PARTS), max_size=6).map("".join), min_size=1, max_size=20))
def test_columns_and_cells_of_numbers_agree(rule: Rule, cells: list[str]) -> None:
    assert_agreement(rule, cells)


DATE_PARTS = (
    *("0", "1", "2", "9", "12", "29", "31", "99", "1999", "2024", "-", "/", ".", " ", ", ", ":", "T", "Z", "\u00a0"),
    *("Jan", "feb", "SEPT", "December", "May", "29/02/2024", "2024-02-29", "00:00:00", "\u0663", "\u017fep", "\u212a"),
)


@settings(max_examples=400)
@given(
    format_=st.sampled_from([*DATE_FORMATS, "%m/%d/%y", "%d%m%y"]),
    cells=st.lists(st.lists(st.sampled_from(DATE_PARTS), max_size=6).map("".join), min_size=1, max_size=20),
)
def test_columns_and_cells_of_dates_agree(format_: str, cells: list[str]) -> None:
    assert_agreement(Day(format_), cells)


@given(st.sampled_from(DATE_FORMATS), st.dates(date(1000, 1, 1)))
def test_days_that_strftime_writes_come_back(format_: str, day: date) -> None:
    text = day.strftime(format_)
    assert_agreement(Day(format_), [text])
    assert Day(format_).parse(text) == day
    assert format_ in candidate_formats([text])


@given(
    st.integers(-(10**9), 10**9),
    st.integers(0, 5),
    st.sampled_from([("", "."), (",", "."), (".", ","), (" ", ","), ("'", ".")]),
)
def test_a_number_in_its_notation_is_this_number(digits: int, decimals: int, points: tuple[str, str]) -> None:
    value = decimal.Decimal(digits).scaleb(-decimals)
    text = f"{value:,.{decimals}f}".translate({ord(","): points[0], ord("."): points[1]})
    assert Number(points[1], points[0]).parse(text) == float(value)
    if value == int(value) and points[1] == ("," if points[0] == "." else "."):
        assert WholeNumber(points[0]).parse(text) == int(value)


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["2001-02-03"], ["%Y-%m-%d"]),
        (["31/12/1999", "01/02/2003"], ["%d/%m/%Y"]),
        (["12/31/1999", "01/02/2003"], ["%m/%d/%Y"]),
        (["01/02/2003", "05/05/2005"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["05/05/2005"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["31/12/1999", "12/31/1999"], []),
        (["01.02.2003"], ["%d.%m.%Y"]),
        (["01-02-2003"], ["%d-%m-%Y", "%m-%d-%Y"]),
        (["2003/01/02"], ["%Y/%m/%d"]),
        (["01-Jan-1995", "1-may-1996"], ["%d-%b-%Y"]),
        (["May 3, 2001", "September 9, 2019"], ["%b %d, %Y"]),
        (["9 May 2001"], ["%d %b %Y"]),
        (["1999-12-31T23:59:59"], ["%Y-%m-%dT%H:%M:%S"]),
        (["1999-12-31T00:00:00.000Z"], ["%Y-%m-%dT%H:%M:%S.%fZ"]),
        (["1999-12-31", "1999-12-31T00:00:00"], []),
        (["01/02/03"], []),
        (["946684800"], []),
        (["1999"], []),
        (["1/2/2003 4:05"], ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]),
        ([], list(DATE_FORMATS)),
    ],
    ids=str,
)
def test_the_formats_that_all_values_fit(values: list[str], formats: list[str]) -> None:
    assert candidate_formats(values) == formats


NO_FORMATS = (
    *("", "%Y", "%Y-%m", "%d/%m/%Y/%d", "%Y %y-%m-%d", "%Y-%m-%b-%d", "%j/%Y", "%Y-%m-%d %z", "%Y-%m-%d %p"),
    *("%-d/%m/%Y", "dd/mm/yyyy", "%Y年%m月%d", "%Y-%m-%d%", "%%%Y-%m-%d", "default", "any", "%Y-%m-%d\n"),
)


@pytest.mark.parametrize("format_", NO_FORMATS)
def test_no_date_format(format_: str) -> None:
    with pytest.raises(ValueError, match="a date format"):
        Day(format_)


@pytest.mark.parametrize(
    ("decimal_char", "group_char"), [("", ""), (".", "."), ("..", ","), (",", "  "), ("5", ""), ("-", ""), (".", "e")]
)
def test_characters_that_separate_nothing(decimal_char: str, group_char: str) -> None:
    with pytest.raises(ValueError, match=r"decimalChar|groupChar"):
        Number(decimal_char, group_char)


def test_rules_are_equal_if_they_mean_the_same() -> None:
    rules = {Number(), Number("."), Number(","), Day("%d/%m/%Y"), Day("%m/%d/%Y"), Day("%d/%m/%Y"), WholeNumber()}
    assert len(rules) == 5
    assert Number(",", ".") == GERMAN
    assert hash(Number(",", ".")) == hash(GERMAN)
    assert Number(bare_number=False) != Number()


def test_a_message_says_what_the_rule_takes() -> None:
    assert Day("%d/%m/%Y").message == "must be a date that exists, like 31/12/1999 (%d/%m/%Y)"
    assert Day("%b %d, %y").message == "must be a date that exists, like Dec 31, 99 (%b %d, %y)"
    assert GERMAN.message == "must be a number (1.234,5)"
    assert WholeNumber(",").message == "must be a whole number (1,234)"


def test_a_column_of_nulls_is_no_trouble() -> None:
    assert_nulls(*RULES, Day("%d/%m/%Y"), Day("%d %b %y"))
