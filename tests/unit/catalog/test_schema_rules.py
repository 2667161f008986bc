"""The rules of a Table Schema's own types: each reads what it says, and finds the same in a cell and in a column."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.schema_rules import FormattedMoment, JsonObject, Moment, TextList, Words
from tests.unit.catalog.agreement import BAD, assert_agreement, assert_nulls

YES = Words(["yes", "ja"], ["no", "nein"])
TWO_DIGITS = FormattedMoment("%d.%m.%y %H:%M")
RULES: tuple[Rule, ...] = (
    *(YES, Moment(), TextList(), TextList("|"), JsonObject()),
    *(TWO_DIGITS, FormattedMoment("%Y-%m-%dT%H:%M:%S.%f%z"), FormattedMoment("%j/%Y %I %p")),
)
SUMMER = datetime(2001, 7, 9, 10, 20, 30, tzinfo=UTC)


def read(rule: Rule, text: str) -> Any:
    """The value of the cell, which is the same in a long column; BAD for none."""
    assert_agreement(rule, [text, *["x"] * (200 if rule.notations else 1)])
    values, failed = rule.convert(pa.array([text], pa.string()))
    return BAD if failed else values[0].as_py()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001-07-09T10:20:30Z", SUMMER),
        ("2001-07-09 10:20:30", SUMMER),
        (" 2001-07-09T10:20:30 ", SUMMER),
        ("2001-07-09T12:20:30+02:00", SUMMER),
        ("2001-07-09T00:50:30-09:30", SUMMER),
        ("2001-07-09T10:20:30.5Z", SUMMER + timedelta(milliseconds=500)),
        ("2001-07-09T10:20:30.000001", SUMMER + timedelta(microseconds=1)),
        ("2000-02-29T00:00:00", datetime(2000, 2, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        # they are in years that do not exist in UTC
        ("0001-01-01T00:00:00+01:00", BAD),
        ("9999-12-31T23:59:59-01:00", BAD),
        *[(text, BAD) for text in ("2001-07-09", "2001-07-09T10:20", "2001-02-29T10:20:30Z", "2001-07-09T24:00:00")],
        *[(text, BAD) for text in ("2001-07-09T10:20:60", "2001-7-9 10:20:30", "2001-07-09T10:20:30 UTC", "now", "")],
        ("2001-07-09T10:20:30.1234567", BAD),
        ("0000-01-01T00:00:00", BAD),
        ("٢٠٠١-07-09T10:20:30", BAD),
    ],
)
def test_a_moment_is_iso_8601_and_in_utc_without_a_zone(text: str, expected: object) -> None:
    assert read(Moment(), text) == expected


@pytest.mark.parametrize(
    ("format_", "text", "expected"),
    [
        ("%d/%m/%Y %H:%M", "09/07/2001 10:20", SUMMER.replace(second=0)),
        ("%d/%m/%Y %H:%M", "9/7/2001 10:20", SUMMER.replace(second=0)),
        ("%m/%d/%Y %I:%M:%S %p", "07/09/2001 10:20:30 AM", SUMMER),
        ("%Y-%m-%dT%H:%M:%S%z", "2001-07-09T12:20:30+0200", SUMMER),
        ("%j %Y %H", "190 2001 10", SUMMER.replace(minute=0, second=0)),
        ("%d. %B %Y, %H h %%", "9. July 2001, 10 h %", SUMMER.replace(minute=0, second=0)),
        ("%d.%m.%y %H", "09.07.01 10", SUMMER.replace(minute=0, second=0)),
        ("%d/%m/%Y %H:%M", "31/02/2001 10:20", BAD),
        ("%d/%m/%Y %H:%M", "2001-07-09 10:20", BAD),
        ("%Y-%m-%d %H%z", "0001-01-01 00+0100", BAD),
    ],
)
def test_a_moment_in_a_format(format_: str, text: str, expected: object) -> None:
    assert read(FormattedMoment(format_), text) == expected


@pytest.mark.parametrize(
    "format_",
    [
        *(
            "%Y-%m-%d",
            "%d %H",
            "%m/%d %H:%M",
            "",
            "noon",
            "%Y-%m-%d %H:%M%",
            "%c",
            "%x %X",
            "%Y-%m-%d %-H",
            "%s",
            "%G %H",
        ),
        *("%Y-%m-%d %I:%M", "%Y-%m-%d %H:%M %p", "%Y-%m-%d %H %H", "%Y %y-%m-%d %H", "%Y-%m-%b-%d %H", "%Y-%j-%d %H"),
        *("%Y-%m-%d %H %I %p", "%Y-%m-%d %H:%M:%M", "%Y-%m-%d %H:%M:%S %S", "%Y-%m-%d %H%z%z"),
    ],
)
def test_a_format_is_one_moment_in_every_locale(format_: str) -> None:
    with pytest.raises(ValueError, match="format"):
        FormattedMoment(format_)


def test_words_are_true_or_false_as_they_are_spelled() -> None:
    assert [read(YES, text) for text in ("yes", "ja", "no", "nein")] == [True, True, False, False]
    assert [read(YES, text) for text in ("Yes", "true", "1", " yes", "")] == [BAD] * 5
    assert YES.message == "must be ja or yes or nein or no"


@pytest.mark.parametrize(("true", "false"), [(["x"], ["x", "y"]), ([], ["no"]), (["yes"], [])])
def test_words_that_do_not_tell_true_from_false_are_refused(true: list[str], false: list[str]) -> None:
    with pytest.raises(ValueError, match="trueValues"):
        Words(true, false)


def test_a_list_keeps_its_texts_as_they_are() -> None:
    assert read(TextList("|"), "a| b |c,d") == ["a", " b ", "c,d"]
    assert read(TextList(), "a") == ["a"]
    assert read(TextList(), "a,,b") == ["a", "", "b"]
    assert read(TextList("; "), "a; b;c") == ["a", "b;c"]
    with pytest.raises(ValueError, match="delimiter"):
        TextList("")


def test_an_object_is_json_and_stays_the_text_that_it_is() -> None:
    text = '{"b": 1.50, "a": [1, null], "b": 2}'
    assert read(JsonObject(), text) == text
    assert [read(JsonObject(), each) for each in ("[1]", "1", "null", "{", "{'a': 1}", "", "[" * 99_999)] == [BAD] * 7
    assert JsonObject.code == "not_an_object"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{type(rule).__name__} {rule.message}")
def test_the_rules_are_equal_if_they_mean_the_same_and_nulls_stay_nulls(rule: Rule) -> None:
    assert_nulls(rule)
    assert [other == rule for other in RULES].count(True) == 1
    assert len({hash(other) for other in RULES}) == len(RULES)


def test_what_is_said_differently_but_means_the_same_is_equal() -> None:
    assert Words(["ja", "yes"], ["nein", "no"]) == YES
    assert FormattedMoment("%d.%m.%y %H:%M") == TWO_DIGITS
    assert hash(TextList("|")) == hash(TextList("|"))


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=st.none() | st.just(UTC) | ZONES).map(
    lambda moment: f"{moment.isoformat(sep='T')}".replace("+00:00", "Z")
)


@given(
    st.lists(
        MOMENTS | st.sampled_from(["2001-02-29T10:20:30", "0001-01-01T00:00:00Z", "", "x", " 2001-07-09 10:20:30Z"])
    )
)
def test_a_column_of_moments_is_read_as_its_cells_are(cells: list[str]) -> None:
    assert_agreement(Moment(), cells)


@given(
    st.lists(st.sampled_from(["yes", "no", "ja", "nein", "Yes", "1", "true", "", "a|b", '{"a": 1}', "[]"]) | st.text())
)
def test_a_column_is_read_as_its_cells_are(cells: list[str]) -> None:
    for rule in RULES:
        assert_agreement(rule, cells)


@given(st.dates(), st.integers(0, 23), st.integers(0, 59))
def test_a_moment_is_read_as_it_was_written(day: date, hour: int, minute: int) -> None:
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
    assert read(Moment(), f"{moment:%H:%M}".join([f"{day.isoformat()}T", ":00"])) == moment
    text = f"{day.day:02}/{day.month:02}/{day.year:04} {hour:02}:{minute:02}"
    assert read(FormattedMoment("%d/%m/%Y %H:%M"), text) == moment
