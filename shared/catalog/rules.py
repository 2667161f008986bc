"""Parse rules: how the text of a cell becomes a typed value.

Each rule exists in two forms. `parse` takes one cell and defines the meaning. `convert` takes a column: it decides the
plain cells with operations on whole columns and leaves the others to `parse`, so speed never changes a result.
"""

import re
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

INT64_MAX = 2**63 - 1


class Rule:
    """Text as it is; the base of the other rules."""

    name: ClassVar[str] = "text"
    code: ClassVar[str] = "invalid_text"
    message: ClassVar[str] = "may be text of any length"
    type: ClassVar[pa.DataType] = pa.string()

    def parse(self, text: str) -> Any:
        """The value of one cell; raises `ValueError`."""
        return text

    def convert(self, column: pa.StringArray) -> tuple[pa.Array, list[int]]:
        """The typed column, null where a cell does not parse, and the positions of the cells that do not parse."""
        values, plain = self.convert_plain(column)
        if plain is None:
            return values, []
        return self._parse_others(column, values, plain)

    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray | None]:
        """The typed column, and which of its cells are decided; None if all are."""
        return column, None

    def _parse_others(
        self, column: pa.StringArray, values: pa.Array, plain: pa.BooleanArray
    ) -> tuple[pa.Array, list[int]]:
        others = np.flatnonzero(~plain.fill_null(True).to_numpy(zero_copy_only=False))
        if not len(others):
            return values, []
        parsed, failed = self.parse_each(column.take(pa.array(others)))
        positions = np.arange(len(column))
        positions[others] = len(column) + np.arange(len(others))
        return pa.concat_arrays([values, parsed]).take(pa.array(positions)), others[failed].tolist()

    def parse_each(self, cells: pa.StringArray) -> tuple[pa.Array, list[int]]:
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


class Repeating(Rule):
    """For columns with few different texts: each distinct cell is decoded once.

    A file of a million movies has some hundreds of different lists of languages.
    """

    @override
    def convert(self, column: pa.StringArray) -> tuple[pa.Array, list[int]]:
        encoded = column.dictionary_encode()
        values, failed = super().convert(encoded.dictionary)
        failing = np.isin(encoded.indices.to_numpy(zero_copy_only=False), failed)
        return values.take(encoded.indices), np.flatnonzero(failing).tolist()

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray | None]:
        return pa.nulls(len(column), self.type), pa.repeat(False, len(column))


class Whole(Rule):
    """A whole number; `30000000.0` counts as one."""

    name = "integer"
    code = "not_a_whole_number"
    message = "must be a whole number (12 or 12.0)"
    type = pa.int64()
    _pattern = re.compile(r"-?\d{1,30}(\.0+)?", re.ASCII)

    @override
    def parse(self, text: str) -> int:
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
    """A number with a decimal point."""

    name = "number"
    code = "not_a_number"
    message = "must be a number (7, 7.7 or 7.7e1)"
    type = pa.float64()
    _pattern = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
    _plain = r"^\d{1,9}(\.\d{1,9})?$"

    @override
    def parse(self, text: str) -> float:
        if not self._pattern.fullmatch(text) or not np.isfinite(value := float(text)):
            raise ValueError
        return value

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, self._plain)
        return pc.cast(pc.if_else(plain, column, None), pa.float64()), plain


class IsoDate(Rule):
    """A date that exists, as YYYY-MM-DD."""

    name = "date"
    code = "not_a_date"
    message = "must be a date that exists, as YYYY-MM-DD"
    type = pa.date32()
    _pattern = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
    # every date that exists except the 29th of February
    _plain = (
        r"^(?:\d{3}[1-9]|\d{2}[1-9]\d|\d[1-9]\d{2}|[1-9]\d{3})-"
        r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)$"
    )

    @override
    def parse(self, text: str) -> date:
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
    _pattern = re.compile(r"\d{4}(\.0)?", re.ASCII)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, r"^\d{4}$")
        return pc.cast(pc.if_else(plain, column, None), pa.int64()), plain


class Flag(Rule):
    """0 or 1."""

    name = "boolean"
    code = "not_a_flag"
    message = "must be 0 or 1"
    type = pa.bool_()

    @override
    def parse(self, text: str) -> bool:
        if text not in ("0", "1"):
            raise ValueError
        return text == "1"

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.or_(pc.equal(column, "0"), pc.equal(column, "1"))
        return pc.if_else(plain, pc.equal(column, "1"), None), plain
