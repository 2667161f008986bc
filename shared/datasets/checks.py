"""The pandera checks that datasets are made of; a check's name is the code of its reject, its error the message.

Numbers are checked as float64 columns (NaN is null): ranges need no more, and pandas is fastest there.
"""

from datetime import date
from typing import Any

import pandas as pd
import pandera.pandas as pandera

FIRST_DATE = date(1870, 1, 1)
YEARS_AHEAD = 10
FIRST_YEAR, LAST_YEAR = 1870, 2100


def number(*checks: pandera.Check) -> pandera.Column:
    """A column of numbers, null allowed."""
    return pandera.Column("float64", list(checks), nullable=True)


def text(*checks: pandera.Check) -> pandera.Column:
    """A column of text, null allowed."""
    return pandera.Column(str, list(checks), nullable=True)


def required_text() -> pandera.Column:
    """A column of text that is neither null nor blank."""
    return pandera.Column(str, [_named(_is_not_blank, "required", "must not be blank")], nullable=False)


def day(*checks: pandera.Check) -> pandera.Column:
    """A column of dates, null allowed."""
    return pandera.Column("datetime64[s]", list(checks), nullable=True)


def not_negative() -> pandera.Check:
    """At least 0."""
    return pandera.Check.ge(0, name="negative", error="must not be negative")


def between(low: float, high: float) -> pandera.Check:
    """In the closed range."""
    return pandera.Check.in_range(low, high, name="out_of_range", error=f"must be between {low:,} and {high:,}")


def release_day() -> pandera.Check:
    """From the first days of film to ten years ahead of today."""
    return _named(
        _is_release_day, "date_out_of_range", f"must be between {FIRST_DATE} and {YEARS_AHEAD} years from today"
    )


def release_year() -> pandera.Check:
    """A year in which a film can have come out."""
    return pandera.Check.in_range(
        FIRST_YEAR, LAST_YEAR, name="year_out_of_range", error=f"must be between {FIRST_YEAR} and {LAST_YEAR}"
    )


def one_of(code: str, values: tuple[str, ...]) -> pandera.Check:
    """One of these words, spelled like that."""
    return pandera.Check.isin(values, name=code, error=f"must be one of: {', '.join(values)}")


def matches(code: str, pattern: str, error: str) -> pandera.Check:
    """The whole text fits the pattern."""
    return pandera.Check.str_matches(rf"^(?:{pattern})\Z", name=code, error=error)


def _named(function: Any, code: str, error: str) -> pandera.Check:
    return pandera.Check(function, name=code, error=error)


def _is_not_blank(values: "pd.Series[str]") -> "pd.Series[bool]":
    return values.str.strip() != ""


def _is_release_day(values: "pd.Series[Any]") -> "pd.Series[bool]":
    return values.between(pd.Timestamp(FIRST_DATE), pd.Timestamp.today() + pd.DateOffset(years=YEARS_AHEAD))
