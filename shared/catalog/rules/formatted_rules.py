"""Parse rules for the one notation that a file or its schema names, and which formats all dates of a sample fit."""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
from typing_extensions import override

from shared.catalog.rules.basic_rules import Converted, Decimal, IsoDate, Rule, Whole
from shared.catalog.rules.date_formats import DateFormat
from shared.catalog.rules.notations import Replaced
from shared.catalog.rules.number_formats import NumberFormat

# Those that files are written in, and only with years of four digits. What two of them fit is ambiguous: 01/02/2003.
DATE_FORMATS: Final = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y"),
    *("%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d"),
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%fZ"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S"),
    *("%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
)
_WITHOUT_ZEROS: Final = Replaced(r"([+-]?[0-9]+)\.0+", r"\1")


class Formatted(Rule):
    """A rule that takes one notation only: its cells become plain ones, and all others become no value."""

    @override
    def convert(self, column: pa.StringArray) -> Converted:
        return self.convert_rewritten(column)


class Number(Formatted, Decimal):
    """A number whose decimals follow `decimal_char`; see `NumberFormat`."""

    def __init__(self, decimal_char: str = ".", group_char: str = "", *, bare_number: bool = True) -> None:
        """Raises `ValueError` for characters that cannot be."""
        self.notations = (NumberFormat(decimal_char, group_char, bare_number),)
        self.message = f"must be a number ({_example(group_char)}{decimal_char}5)"


class WholeNumber(Formatted, Whole):
    """A whole number with `group_char` between groups of digits; decimals may follow if they are zero."""

    def __init__(self, group_char: str = "", *, bare_number: bool = True) -> None:
        """Raises `ValueError` for a character that cannot be."""
        decimal_char = "," if group_char == "." else "."
        self.notations = (NumberFormat(decimal_char, group_char, bare_number), _WITHOUT_ZEROS)
        self.message = f"must be a whole number ({_example(group_char)})"


class Day(Formatted, IsoDate):
    """A date in a format (`%d/%m/%Y`); see `DateFormat`."""

    def __init__(self, format: str) -> None:  # noqa: A002  as Table Schema names it
        """Raises `ValueError` for a format that is not one day."""
        notation = DateFormat(format)
        self.notations = (notation,)
        self.message = f"must be a date that exists, like {notation.example} ({format})"


_DAYS: Final = {format_: Day(format_) for format_ in DATE_FORMATS}


def candidate_formats(values: Iterable[str]) -> list[str]:
    """The formats that every value fits, of those that files are written in."""
    distinct = dict.fromkeys(values)
    return [format_ for format_, day in _DAYS.items() if _fits(day, distinct)]


def _fits(day: Day, values: Iterable[str]) -> bool:
    try:
        return all(day.parse(value) for value in values)
    except ValueError:
        return False


def _example(group_char: str) -> str:
    return f"1{group_char}234"
