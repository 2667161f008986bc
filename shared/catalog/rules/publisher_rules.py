"""Parse rules for the notations of single publishers: units, grouped digits, flags in words, years in titles."""

import decimal
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules.basic_rules import Decimal, Flag, Repeating, Rule, Whole, Year
from shared.catalog.rules.notations import (
    BLANK,
    DOLLARS,
    LOWERED,
    TRIMMED,
    WHOLE_NUMBERS,
    HoursAndMinutes,
    Marked,
    Replaced,
)
from shared.catalog.rules.number_rules import Amount

_UNIT: Final = " min"
# Only spaces: Python and RE2 differ in what else they count as white space.
_DATED_TITLE: Final = r"(?s)^(?P<title>.*[^ ]) +\((?P<year>\d{4})\) *$"
_DATED_TITLE_CELL: Final = re.compile(_DATED_TITLE, re.ASCII)
# IMDb gives films of one title and one year Roman numbers.
_YEARS: Final = (TRIMMED, Replaced(r"(?:\([IVXLC]+\) ?)?\(([^()]*)\)", r"\1"))
_TO: Final = " ?[-\u2013\u2014] ?"
_SERIES: Final = f"[0-9]{{4}}{_TO}(?P<end>[0-9]{{4}})"


class Minutes(Whole):
    """A length in whole minutes (`142`, `142 min`), or in hours and minutes (`2h 22min`, `PT2H22M`)."""

    name = "minutes"
    code = "not_minutes"
    message = "must be a length in whole minutes (142, 142 min or 2h 22min)"
    notations = (
        TRIMMED,
        LOWERED,
        HoursAndMinutes(
            "(?P<hours>[0-9]{1,3}) ?(?:h|hrs?|hours?)(?: ?(?P<minutes>[0-5]?[0-9]) ?(?:m|mins?|minutes?)?)?"
        ),
        HoursAndMinutes("pt(?P<hours>[0-9]{1,3})h(?:(?P<minutes>[0-9]{1,3})m)?"),
        Replaced("pt([0-9]{1,4})m", r"\1"),
        Replaced(rf"(.*[0-9]){BLANK}(?:m|mins?|min\.|minutes?)", r"\1"),
        *WHOLE_NUMBERS,
    )

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        without_unit = pc.binary_replace_slice(column, -len(_UNIT), 2**31 - 1, "")
        return super().convert_plain(pc.if_else(pc.ends_with(column, _UNIT), without_unit, column))


class FilmMinutes(Minutes):
    """The length of a film (`90 min`); null for that of a series (`2 Seasons`)."""

    message = "must be a length in whole minutes (90 min), or a number of seasons (2 Seasons)"
    _seasons = re.compile(r"\d{1,3} Seasons?", re.ASCII)

    @override
    def parse(self, text: str) -> int | None:  # type: ignore[override]
        return None if self._seasons.fullmatch(text) else super().parse(text)


class GroupedWhole(Amount):
    """An amount for files in which most have commas between thousands (`28,341,469`)."""

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        grouped = pc.match_substring_regex(column, r"^[1-9]\d{0,2}(?:,\d{3})+$")
        return super().convert_plain(pc.if_else(grouped, pc.replace_substring(column, ",", ""), column))


class Millions(Rule):
    """An amount in millions of US dollars (`333.13`, `$333.13M`) as a whole number (333130000).

    With more than six decimals it would not be a whole number. With commas between thousands it is more likely not in
    millions.
    """

    name = "millions"
    code = "not_millions"
    message = "must be a number of millions with at most six decimals (333.13)"
    type = pa.int64()
    notations = (
        TRIMMED,
        Replaced(f"(.*[0-9]){BLANK}[Mm]", r"\1"),
        *DOLLARS,
        Marked("[+-]?[0-9]+,[0-9]{1,2}", removed="", decimal_mark=","),
    )
    _pattern = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)

    @override
    def parse(self, text: str) -> int:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text):
            raise ValueError
        return int(decimal.Decimal(text).scaleb(6))

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, r"^\d{1,9}(?:\.\d{1,6})?$")
        millions = pc.cast(pc.if_else(plain, column, None), pa.decimal128(15, 6))
        return pc.cast(pc.multiply(millions, pa.scalar(decimal.Decimal(1_000_000))), pa.int64()), plain


class FilmYear(Year):
    """A year, or one in parentheses (`(1995)`, `(II) (1995)`); of the years of a series (`2008-2013`), the first."""

    message = "must be a year in four digits, which may be in parentheses, or the years of a series (2008-2013)"
    notations = (*_YEARS, Replaced(f"([0-9]{{4}}){_TO}(?:[0-9]{{4}})?", r"\1"))


class SeriesEnd(Rule):
    """The last year of a series (`2008-2013`); null for the year of a film, and if it goes on (`2019-`)."""

    name = "year"
    message = "may be the years of a series (2008-2013)"
    type = pa.int64()
    notations = _YEARS
    _pattern = re.compile(_SERIES, re.ASCII)

    @override
    def parse(self, text: str) -> int | None:
        match = self._pattern.fullmatch(self.rewritten(text))
        return int(match["end"]) if match else None

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, None]:
        found = pc.extract_regex(self.rewritten_column(column), f"^{_SERIES}$")
        return pc.cast(pc.struct_field(found, "end"), pa.int64()), None


class Stars(Decimal):
    """A rating in stars (`4.5`)."""

    name = "stars"
    code = "not_stars"
    message = "must be a number of stars (4 or 4.5)"


class LifeYear(Year):
    """A year of somebody's life, in up to four digits: IMDb knows people of antiquity."""

    message = "must be a year in at most four digits"
    _pattern = re.compile(r"\d{1,4}(\.0)?", re.ASCII)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, r"^\d{1,4}$")
        return pc.cast(pc.if_else(plain, column, None), pa.int64()), plain


class TrueFalse(Repeating, Flag):
    """A flag for files that write it as words."""

    message = "must be True or False, or 1 or 0"


class TrimmedText(Rule):
    """Text without the white space around it, of any kind: some files end each title with a no-break space."""

    notations = (TRIMMED,)

    @override
    def parse(self, text: str) -> str:
        return self.rewritten(text)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, None]:
        return self.rewritten_column(column), None


class UndatedTitle(Rule):
    """A title without the year in brackets that may follow it (`Toy Story (1995)`)."""

    message = "may be text of any length; a year in brackets at its end is the year of release"

    @override
    def parse(self, text: str) -> str:
        match = _DATED_TITLE_CELL.fullmatch(text)
        return match["title"] if match else text

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, None]:
        return pc.coalesce(pc.struct_field(pc.extract_regex(column, _DATED_TITLE), "title"), column), None


class TitleYear(Rule):
    """The year in brackets after a title (`Toy Story (1995)`); null if there is none."""

    name = "year"
    message = "may end with a year of four digits in brackets"
    type = pa.int64()

    @override
    def parse(self, text: str) -> int | None:
        match = _DATED_TITLE_CELL.fullmatch(text)
        return int(match["year"]) if match else None

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, None]:
        return pc.cast(pc.struct_field(pc.extract_regex(column, _DATED_TITLE), "year"), pa.int64()), None
