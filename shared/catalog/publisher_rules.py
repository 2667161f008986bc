"""Parse rules for the notations of single publishers: units, grouped digits, flags in words, years in titles."""

import decimal
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules import Repeating, Rule, Whole

_UNIT: Final = " min"
# Only spaces: Python and RE2 differ in what else they count as white space.
_DATED_TITLE: Final = r"(?s)^(?P<title>.*[^ ]) +\((?P<year>\d{4})\) *$"
_DATED_TITLE_CELL: Final = re.compile(_DATED_TITLE, re.ASCII)


class Minutes(Whole):
    """A length in whole minutes, with or without the unit (`142 min`)."""

    name = "minutes"
    code = "not_minutes"
    message = "must be a whole number of minutes (142 min or 142)"

    @override
    def parse(self, text: str) -> int:
        return super().parse(text.removesuffix(_UNIT))

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        without_unit = pc.binary_replace_slice(column, -len(_UNIT), 2**31 - 1, "")
        return super().convert_plain(pc.if_else(pc.ends_with(column, _UNIT), without_unit, column))


class GroupedWhole(Whole):
    """A whole number, with or without commas between thousands (`28,341,469`)."""

    message = "must be a whole number (28,341,469 or 28341469)"
    _grouped = re.compile(r"-?\d{1,3}(,\d{3})+", re.ASCII)

    @override
    def parse(self, text: str) -> int:
        return super().parse(text.replace(",", "") if self._grouped.fullmatch(text) else text)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        grouped = pc.match_substring_regex(column, r"^\d{1,3}(?:,\d{3})+$")
        return super().convert_plain(pc.if_else(grouped, pc.replace_substring(column, ",", ""), column))


class Millions(Rule):
    """An amount in millions (`333.13`) as a whole number (333130000).

    With more than six decimals it would not be a whole number.
    """

    name = "millions"
    code = "not_millions"
    message = "must be a number of millions with at most six decimals (333.13)"
    type = pa.int64()
    _pattern = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)

    @override
    def parse(self, text: str) -> int:
        if not self._pattern.fullmatch(text):
            raise ValueError
        return int(decimal.Decimal(text).scaleb(6))

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, r"^\d{1,9}(?:\.\d{1,6})?$")
        millions = pc.cast(pc.if_else(plain, column, None), pa.decimal128(15, 6))
        return pc.cast(pc.multiply(millions, pa.scalar(decimal.Decimal(1_000_000))), pa.int64()), plain


class TrueFalse(Repeating):
    """`True` or `False`, as Python, JSON or a spreadsheet spells it."""

    name = "boolean"
    code = "not_a_flag"
    message = "must be True or False"
    type = pa.bool_()

    @override
    def parse(self, text: str) -> bool:
        if text not in ("True", "true", "TRUE", "False", "false", "FALSE"):
            raise ValueError
        return text in ("True", "true", "TRUE")


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
