"""What a dataset demands of typed values: plain declarations, each with the code and the message of its reject.

They do not import pandas or pandera, so that the API can describe a dataset without loading either.
`shared/catalog/pandera_schemas.py` turns them into checks of pandera.
"""

from dataclasses import dataclass
from datetime import date, datetime

FIRST_DATE = date(1870, 1, 1)
YEARS_AHEAD = 10
FIRST_YEAR, LAST_YEAR = 1870, 2100


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition on the non-null values of one column."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(Check):
    """A number in the closed range; None means no upper limit."""

    low: float
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDay(Check):
    """A date from `FIRST_DATE` to `YEARS_AHEAD` years after the day of loading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf(Check):
    """One of these texts, in exactly this spelling."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches(Check):
    """The whole text matches the pattern, which must mean the same to Python and to RE2."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOfNumbers(Check):
    """One of these numbers."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class During(Check):
    """A date or a moment in the closed range; None means no limit. Moments have a zone."""

    low: date | datetime | None
    high: date | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Length(Check):
    """Text of so many characters; None means no upper limit."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MostBytes(Check):
    """Text of at most so many bytes in UTF-8: a longer one fits no index."""

    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBlank(Check):
    """Text of which something can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBefore:
    """A condition on a row, reported for `field`: its number is not less than that of `other`, where both are known."""

    code: str
    message: str
    field: str
    other: str


NOT_NEGATIVE = Between(code="negative", message="must not be negative", low=0, high=None)
NOT_BLANK = NotBlank(code="required", message="must not be blank")
RELEASE_DAY = ReleaseDay(
    code="date_out_of_range", message=f"must be between {FIRST_DATE} and {YEARS_AHEAD} years from today"
)
RELEASE_YEAR = Between(
    code="year_out_of_range", message=f"must be between {FIRST_YEAR} and {LAST_YEAR}", low=FIRST_YEAR, high=LAST_YEAR
)

# IMDb knows people of antiquity.
LIFE_YEAR = Between(code="year_out_of_range", message=f"must be between 1 and {LAST_YEAR}", low=1, high=LAST_YEAR)


def between(low: float, high: float) -> Between:
    """A number in the closed range."""
    return Between(code="out_of_range", message=f"must be between {low:,} and {high:,}", low=low, high=high)


def one_of(code: str, values: tuple[str, ...]) -> OneOf:
    """One of these texts."""
    return OneOf(code=code, message=f"must be one of: {', '.join(values)}", values=values)


def matches(code: str, pattern: str, message: str) -> Matches:
    """The whole text matches the pattern."""
    return Matches(code=code, message=message, pattern=pattern)


RUNTIME = between(0, 60_000)
VOTE = between(0, 10)
ORDINAL = between(0, 2**31 - 1)
# Of any characters, they fit the key of a table: of four bytes each, and beside two ids.
KEY_TEXT = matches("too_long", "(?s:.{0,500})", "must have at most 500 characters")
# Real ids have at most ten digits. Longer ones would fit no index.
SOURCE_ID = matches("invalid_id", "[0-9]{1,20}", "must be a number")
TCONST = matches("invalid_tconst", r"tt\d{1,20}", "must be tt and digits")
NCONST = matches("invalid_nconst", r"nm\d{1,20}", "must be nm and digits")
