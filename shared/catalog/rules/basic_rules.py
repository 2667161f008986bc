"""Parse rules: how the text of a cell becomes a typed value.

Each rule exists in two forms. `parse` takes one cell and defines the meaning. `convert` takes a column: it decides the
plain cells with operations on whole columns, then those in other notations in the same way, and leaves what remains to
`parse`. So speed never changes a result. Rules are equal if they mean the same.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules.notations import LOWERED, NUMBERS, TRIMMED, WHOLE_NUMBERS, Notation, Replaced

INT64_MAX = 2**63 - 1
# Every date that exists except the 29th of February.
PLAIN_DAY: Final = (
    r"(?:\d{3}[1-9]|\d{2}[1-9]\d|\d[1-9]\d{2}|[1-9]\d{3})-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
# Fewer cells are parsed one by one, in less time than operations on columns take to begin.
_WORTH_A_COLUMN: Final = 200

Converted: TypeAlias = tuple[pa.Array, list[int]]


class Rule:
    """Text as it is; the base of the other rules."""

    name: str = "text"
    code: str = "invalid_text"
    message: str = "may be text of any length"
    type: pa.DataType = pa.string()
    # what `parse` understands beside the plain notation, in the order in which it is tried
    notations: tuple[Notation, ...] = ()

    @override
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    @override
    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def parse(self, text: str) -> Any:
        """The value of one cell; raises `ValueError`."""
        return text

    def rewritten(self, text: str) -> str:
        """The cell in the plain notation, if it is in one of the others."""
        for notation in self.notations:
            text = notation.rewrite(text)
        return text

    def rewritten_column(self, column: pa.StringArray) -> pa.StringArray:
        """The cells in the plain notation where they are in one of the others."""
        for notation in self.notations:
            column = notation.rewrite_column(column)
        return column

    def convert(self, column: pa.StringArray) -> Converted:
        """The typed column, null where a cell does not parse, and the positions of the cells that do not parse."""
        return _with_others(column, *self.convert_plain(column), self.convert_others)

    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray | None]:
        """The typed column, and which of its cells are decided; None if all are."""
        return column, None

    def convert_others(self, cells: pa.StringArray) -> Converted:
        """Like `convert`, for cells that are not plain."""
        if not self.notations or len(cells) < _WORTH_A_COLUMN:
            return self.parse_each(cells)
        return self.convert_rewritten(cells)

    def convert_rewritten(self, cells: pa.StringArray) -> Converted:
        """Like `convert`, after the cells that are in another notation have become plain."""
        return _with_others(cells, *self.convert_plain(self.rewritten_column(cells)), self.parse_each)

    def parse_each(self, cells: pa.StringArray) -> Converted:
        """Like `convert`, cell by cell."""
        parsed: list[Any] = []
        failed: list[int] = []
        for position, cell in enumerate(cells.to_pylist()):
            try:
                parsed.append(self.parse(cell))
            except ValueError:
                parsed.append(None)
                failed.append(position)
        return pa.array(parsed, type=self.type), failed


def _with_others(
    column: pa.StringArray,
    values: pa.Array,
    plain: pa.BooleanArray | None,
    convert: Callable[[pa.StringArray], Converted],
) -> Converted:
    """The typed column with those of its cells that are not plain converted by `convert`."""
    if plain is None:
        return values, []
    others = np.flatnonzero(~plain.fill_null(True).to_numpy(zero_copy_only=False))
    if not len(others):
        return values, []
    converted, failed = convert(column.take(pa.array(others)))
    positions = np.arange(len(column))
    positions[others] = len(column) + np.arange(len(others))
    return pa.concat_arrays([values, converted]).take(pa.array(positions)), others[failed].tolist()


class Repeating(Rule):
    """For columns with few different texts: each distinct cell is decoded once.

    A file of a million movies has some hundreds of different lists of languages.
    """

    @override
    def convert(self, column: pa.StringArray) -> Converted:
        encoded = column.dictionary_encode()
        values, failed = super().convert(encoded.dictionary)
        failing = np.isin(encoded.indices.to_numpy(zero_copy_only=False), failed)
        return values.take(encoded.indices), np.flatnonzero(failing).tolist()

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray | None]:
        return pa.nulls(len(column), self.type), pa.repeat(False, len(column))


class Whole(Rule):
    """A whole number; `30000000.0` counts as one, and so does `30,000,000`."""

    name = "integer"
    code = "not_a_whole_number"
    message = "must be a whole number (12, 12.0 or 1,234)"
    type = pa.int64()
    notations = (TRIMMED, *WHOLE_NUMBERS)
    # not 1.000, which may be a thousand
    _pattern = re.compile(r"(?![+-]?[1-9]\d{0,2}\.000\Z)[+-]?\d{1,30}(\.0+)?", re.ASCII)

    @override
    def parse(self, text: str) -> int:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text) or abs(value := int(text.partition(".")[0])) > INT64_MAX:
            raise ValueError
        return value

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        with_point = pc.ends_with(column, ".0")
        digits = (
            pc.if_else(with_point, pc.binary_replace_slice(column, -2, 2**31 - 1, ""), column)
            if pc.any(with_point).as_py()
            else column
        )
        plain = pc.and_(pc.ascii_is_decimal(digits), pc.less(pc.binary_length(digits), 19))
        return pc.cast(pc.if_else(plain, digits, None), pa.int64()), plain


class Decimal(Rule):
    """A number with a decimal point, or in another notation that can mean only one number (`7,5`, `1.234,5`)."""

    name = "number"
    code = "not_a_number"
    message = "must be a number (7, 7.7 or 7.7e1)"
    type = pa.float64()
    notations = (TRIMMED, *NUMBERS)
    _pattern = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
    _plain = r"^\d{1,9}(\.\d{1,9})?$"

    @override
    def parse(self, text: str) -> float:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text) or not np.isfinite(value := float(text)):
            raise ValueError
        return value

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, self._plain)
        return pc.cast(pc.if_else(plain, column, None), pa.float64()), plain


class IsoDate(Rule):
    """A date that exists, as YYYY-MM-DD; the time of midnight may follow it, which programs add to dates."""

    name = "date"
    code = "not_a_date"
    message = "must be a date that exists, as YYYY-MM-DD"
    type = pa.date32()
    notations: tuple[Notation, ...] = (
        TRIMMED,
        Replaced(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0{1,9})?)?(?:Z|\+00:00)?", r"\1"),
    )
    _pattern = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
    _plain = f"^{PLAIN_DAY}$"

    @override
    def parse(self, text: str) -> date:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, self._plain)
        return pc.cast(pc.if_else(plain, column, None), pa.date32()), plain


class Year(Whole):
    """A year in four digits."""

    name = "year"
    code = "not_a_year"
    message = "must be a year in four digits"
    notations: tuple[Notation, ...] = (TRIMMED,)
    _pattern = re.compile(r"\d{4}(\.0)?", re.ASCII)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, r"^\d{4}$")
        return pc.cast(pc.if_else(plain, column, None), pa.int64()), plain


class Flag(Rule):
    """0 or 1, or true or false in any case."""

    name = "boolean"
    code = "not_a_flag"
    message = "must be 0 or 1, or true or false"
    type = pa.bool_()
    notations: tuple[Notation, ...] = (
        TRIMMED,
        LOWERED,
        Replaced("true", "1"),
        Replaced("false", "0"),
        Replaced(r"([01])\.0", r"\1"),
    )

    @override
    def parse(self, text: str) -> bool:
        text = self.rewritten(text)
        if text not in ("0", "1"):
            raise ValueError
        return text == "1"

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.or_(pc.equal(column, "0"), pc.equal(column, "1"))
        return pc.if_else(plain, pc.equal(column, "1"), None), plain
