"""Dates as a format describes them, in the directives of `strptime` that can mean only one day."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.catalog.rules.notations import LOWERED, TRIMMED

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_SHORT_MONTHS: Final = tuple(month[:3] for month in _MONTHS)
_NUMBERS_OF_MONTHS: Final = tuple(f"{number:02}" for number in range(1, 13))
_MONTH_NAMES: Final = "|".join((*_MONTHS, "sept", *_SHORT_MONTHS))
# What a directive matches, and how the last moment of 1999 is written with it.
_DIRECTIVES: Final = {
    "Y": ("(?P<year>[0-9]{4})", "1999"),
    "y": ("(?P<year_of_century>[0-9]{2})", "99"),
    "m": ("(?P<month>[0-9]{1,2})", "12"),
    "b": (f"(?P<month_name>{_MONTH_NAMES})", "Dec"),
    "B": (f"(?P<month_name>{_MONTH_NAMES})", "December"),
    "d": ("(?P<day>[0-9]{1,2})", "31"),
    "H": ("(?:[01]?[0-9]|2[0-3])", "23"),
    "M": ("[0-5][0-9]", "59"),
    "S": ("[0-5][0-9]", "59"),
    "f": ("[0-9]{1,9}", "000"),
}
_PART: Final = re.compile(r"%(?P<directive>.)|(?P<literal>[-/.,:_ TZ])", re.DOTALL)
_NEED: Final = ("Yy", "mbB", "d")
# Two digits of a year: below it they are of the 21st century, as POSIX has it.
_FIRST_OF_20TH_CENTURY: Final = "69"


@dataclass(frozen=True)
class DateFormat:
    """How dates are written (`%d/%m/%Y`). A date that is written otherwise becomes the empty text, which is no date.

    Directives: `%Y`, `%y` (69 to 99 are 1969 to 1999), `%m`, `%b` and `%B` (English names of months, whole or their
    first three letters), `%d`; `%H`, `%M`, `%S` and `%f` are a time, which is left out. Between them are spaces, any of
    `-/.,:_`, `T` and `Z`. Days and months may have one digit, unless nothing separates them from other digits.
    """

    format: str

    def __post_init__(self) -> None:
        """Raises `ValueError` for a format that is not one day, or that has other directives."""
        if "".join(part[0] for part in self._parts) != self.format:
            raise ValueError(f"a date format has %Y, %m, %d and separators between them: {self.format!r}")
        directives = [part["directive"] for part in self._parts if part["directive"]]
        unknown = [directive for directive in directives if directive not in _DIRECTIVES]
        if unknown:
            raise ValueError(f"a date format cannot have %{unknown[0]}: {self.format!r}")
        if any(sum(directive in needed for directive in directives) != 1 for needed in _NEED):
            raise ValueError(f"a date format needs one year, one month and one day: {self.format!r}")

    @property
    def example(self) -> str:
        """The last day of 1999."""
        return "".join(_DIRECTIVES[part["directive"]][1] if part["directive"] else part[0] for part in self._parts)

    def rewrite(self, text: str) -> str:
        """The day as YYYY-MM-DD; it may not exist."""
        match = self._compiled.fullmatch(LOWERED.rewrite(TRIMMED.rewrite(text)))
        if match is None:
            return ""
        found = match.groupdict()
        month = int(found["month"]) if "month" in found else _SHORT_MONTHS.index(found["month_name"][:3]) + 1
        year = found.get("year") or _with_century(found["year_of_century"])
        return f"{year}-{month:02}-{int(found['day']):02}"

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The days as YYYY-MM-DD; they may not exist."""
        cells = LOWERED.rewrite_column(TRIMMED.rewrite_column(column))
        found = pc.extract_regex(cells, f"^(?:{self._pattern})$")
        groups = {field.name: pc.struct_field(found, field.name) for field in found.type}
        if "month" in groups:
            month = pc.ascii_lpad(groups["month"], 2, "0")
        else:
            names = pc.utf8_slice_codeunits(groups["month_name"], 0, 3)
            month = pa.array(_NUMBERS_OF_MONTHS).take(pc.index_in(names, pa.array(_SHORT_MONTHS)))
        day = pc.ascii_lpad(groups["day"], 2, "0")
        year = groups["year"] if "year" in groups else _with_centuries(groups["year_of_century"])
        iso = pc.binary_join_element_wise(year, month, day, "-")
        return pc.if_else(pc.is_valid(column), pc.fill_null(iso, ""), None)

    @cached_property
    def _parts(self) -> list[re.Match[str]]:
        return list(_PART.finditer(self.format))

    @cached_property
    def _pattern(self) -> str:
        pattern = "".join(
            _DIRECTIVES[part["directive"]][0] if part["directive"] else _literal(part[0]) for part in self._parts
        )
        is_tight = re.search("%[YymdHMSf]%[YymdHMSf]", self.format)
        return pattern.replace("[0-9]{1,2}", "[0-9]{2}") if is_tight else pattern

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern)


def _literal(character: str) -> str:
    return "[ \u00a0]+" if character == " " else re.escape(character.lower())


def _with_century(year: str) -> str:
    return f"{19 if year >= _FIRST_OF_20TH_CENTURY else 20}{year}"


def _with_centuries(years: pa.StringArray) -> pa.StringArray:
    centuries = pc.if_else(pc.greater_equal(years, _FIRST_OF_20TH_CENTURY), "19", "20")
    return pc.binary_join_element_wise(centuries, years, "")
