"""Numbers as a Table Schema describes them: `decimalChar`, `groupChar`, `bareNumber`."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.catalog.rules.notations import LOWERED, TRIMMED, Replaced

_SPACES: Final = " \u00a0\u2009\u202f"
_UNUSABLE: Final = frozenset("0123456789+-eE()%")
# Units that multiply: `1.2M` is not 1.2.
_SCALES: Final = "k|m|mm|b|bn|mn|mio|mrd|tsd|thousand|million|millions|billion|billions|trillion|crore|lakh"
_SCALED: Final = Replaced(rf".*(?:[0-9]|\b)(?:{_SCALES})\b.*", "")
_OTHER_TEXT: Final = r"[^0-9()+\-\n]*"
# `.5` is not 5
_TEXT_BEFORE: Final = rf"(?:{_OTHER_TEXT}[^0-9()+\-\n.,'])?"
_BARE: Final = Replaced(rf"{_TEXT_BEFORE}([+-]?){_TEXT_BEFORE}([0-9](?:[^()+\-\n]*[0-9])?){_OTHER_TEXT}", r"\1\2")
# what text around a number goes through
_AROUND: Final = (LOWERED, _SCALED, _BARE)


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written. A number that is written otherwise becomes the empty text, which is no number.

    `group_char` may separate the digits before the decimals, in groups of three (with commas also as in India, in two);
    without one they are not separated. If the number is not `bare_number`, text around it is left out (`€ 95`, `95%`),
    but for brackets and for what would multiply it (`1.2M`).
    """

    decimal_char: str = "."
    group_char: str = ""
    bare_number: bool = True

    def __post_init__(self) -> None:
        """Raises `ValueError` for characters that cannot be told from the number or from each other."""
        for name, character in (("decimalChar", self.decimal_char), ("groupChar", self.group_char)):
            if len(character) > 1 or character in _UNUSABLE:
                raise ValueError(f"{name} must be one character that is no part of a number's digits: {character!r}")
        if not self.decimal_char or self.decimal_char == self.group_char:
            raise ValueError(f"decimalChar and groupChar must differ: {self.decimal_char!r}, {self.group_char!r}")

    def rewrite(self, text: str) -> str:
        """The number with a point before its decimals and no other mark."""
        text = TRIMMED.rewrite(text)
        if not self.bare_number:
            for notation in _AROUND:
                text = notation.rewrite(text)
        return text.translate(self._table) if self._compiled.fullmatch(text) else ""

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The numbers with a point before their decimals and no other mark."""
        column = TRIMMED.rewrite_column(column)
        if not self.bare_number:
            for notation in _AROUND:
                column = notation.rewrite_column(column)
        numbers = column
        for mark in self._group_characters:
            numbers = pc.replace_substring(numbers, mark, "")
        numbers = pc.replace_substring(numbers, self.decimal_char, ".")
        return pc.if_else(pc.match_substring_regex(column, f"^(?:{self._pattern})$"), numbers, "")

    @cached_property
    def _group_characters(self) -> str:
        return _SPACES if self.group_char in tuple(_SPACES) else self.group_char

    @cached_property
    def _pattern(self) -> str:
        groups = [rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+" for mark in self._group_characters]
        if self.group_char == ",":
            groups.append("[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}")
        digits = "|".join(("[0-9]+", *groups))
        return rf"[+-]?(?:{digits})(?:{re.escape(self.decimal_char)}[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?"

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    @cached_property
    def _table(self) -> dict[int, str]:
        return str.maketrans(dict.fromkeys(self._group_characters, "") | {self.decimal_char: "."})
