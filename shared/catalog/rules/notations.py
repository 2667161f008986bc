"""Other ways to write a value than the plain one, and how they become it: `$30,000,000` is 30000000.

A notation has two forms, as a rule has: `rewrite` takes one cell and is the meaning, `rewrite_column` takes a column. A
cell in another notation stays as it is. The patterns mean the same to Python and to RE2: ASCII, the whole cell, nothing
that looks around.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from shared.csv.invisible import WHITE_SPACE

_LOWERING: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


class Notation(Protocol):
    """One way to write values."""

    def rewrite(self, text: str) -> str:
        """The cell in the plain notation."""

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The cells in the plain notation; a null stays null."""


@dataclass(frozen=True)
class Trimmed:
    """White space of any kind around the value."""

    def rewrite(self, text: str) -> str:
        """The cell without it."""
        return text.strip(WHITE_SPACE)

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The cells without it."""
        return pc.utf8_trim(column, characters=WHITE_SPACE)


@dataclass(frozen=True)
class Lowered:
    """Capital letters of ASCII, in words whose case means nothing."""

    def rewrite(self, text: str) -> str:
        """The cell in lower case."""
        return text.translate(_LOWERING)

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The cells in lower case."""
        return pc.ascii_lower(column)


@dataclass(frozen=True)
class Replaced:
    r"""Cells that match `pattern`, which become `replacement`; `\1` is the first group."""

    pattern: str
    replacement: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def rewrite(self, text: str) -> str:
        """The replacement, if the cell matches."""
        match = self._compiled.fullmatch(text)
        return match.expand(self.replacement) if match else text

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The replacement where a cell matches."""
        return pc.replace_substring_regex(column, f"^(?:{self.pattern})$", self.replacement)


@dataclass(frozen=True)
class Marked:
    """Numbers that match `pattern`: the marks in `removed` separate groups of digits, `decimal_mark` the decimals."""

    pattern: str
    removed: str
    decimal_mark: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    @cached_property
    def _table(self) -> dict[int, str]:
        return str.maketrans(dict.fromkeys(self.removed, "") | {self.decimal_mark: "."})

    def rewrite(self, text: str) -> str:
        """The number with a point before its decimals and no other mark."""
        return text.translate(self._table) if self._compiled.fullmatch(text) else text

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The numbers with a point before their decimals and no other mark."""
        matching = pc.match_substring_regex(column, f"^(?:{self.pattern})$")
        if not pc.any(matching).as_py():
            return column
        numbers = column
        for mark in self.removed:
            numbers = pc.replace_substring(numbers, mark, "")
        return pc.if_else(matching, pc.replace_substring(numbers, self.decimal_mark, "."), column)


@dataclass(frozen=True)
class HoursAndMinutes:
    """A length that matches `pattern`, which has the groups `hours` and `minutes`; the second one may be empty."""

    pattern: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def rewrite(self, text: str) -> str:
        """The length in minutes."""
        match = self._compiled.fullmatch(text)
        return str(int(match["hours"]) * 60 + int(match["minutes"] or 0)) if match else text

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The lengths in minutes."""
        found = pc.extract_regex(column, f"^(?:{self.pattern})$")
        hours, minutes = (pc.struct_field(found, name) for name in ("hours", "minutes"))
        minutes = pc.if_else(pc.equal(minutes, ""), "0", minutes)
        total = pc.add(pc.multiply(pc.cast(hours, pa.int64()), 60), pc.cast(minutes, pa.int64()))
        return pc.coalesce(pc.cast(total, pa.string()), column)


TRIMMED: Final = Trimmed()
LOWERED: Final = Lowered()

# the space that may be between a number and its unit
BLANK: Final = "[ \u00a0]?"

_FIRST_GROUP: Final = "[+-]?[1-9][0-9]{0,2}"
_SPACES_AND_APOSTROPHES: Final = " \u00a0\u2009\u202f'\u2019"
_SPACED_GROUPS: Final = "|".join(f"(?:{mark}[0-9]{{3}})+" for mark in _SPACES_AND_APOSTROPHES)
# Three digits behind a mark may be a group. So a mark separates groups only if it occurs twice or the other one follows
# it, and decimals only if they are not three, or follow groups or a zero.
NUMBERS: Final[tuple[Notation, ...]] = (
    Marked(rf"{_FIRST_GROUP}(?:(?:,[0-9]{{3}})+\.[0-9]+|(?:,[0-9]{{3}}){{2,}})", removed=",", decimal_mark="."),
    Marked(rf"{_FIRST_GROUP}(?:(?:\.[0-9]{{3}})+,[0-9]+|(?:\.[0-9]{{3}}){{2,}})", removed=".", decimal_mark=","),
    Marked(
        rf"{_FIRST_GROUP}(?:{_SPACED_GROUPS})(?:[.,](?:[0-9]{{1,2}}|[0-9]{{4,}}))?",
        removed=_SPACES_AND_APOSTROPHES,
        decimal_mark=",",
    ),
    Marked("[+-]?(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))", removed="", decimal_mark=","),
)
# In whole numbers a comma before three digits separates thousands, as English writes them. A point there may as well
# begin decimals that are zero: `1.000` is 1 or 1000.
WHOLE_NUMBERS: Final[tuple[Notation, ...]] = (
    Marked(f"{_FIRST_GROUP},[0-9]{{3}}", removed=",", decimal_mark="."),
    *NUMBERS,
)
DOLLARS: Final[tuple[Notation, ...]] = (
    Replaced(rf"([+-]?)(?:US{BLANK}\$|USD{BLANK}\$?|\$){BLANK}([+-]?[0-9].*)", r"\1\2"),
    Replaced(rf"([+-]?[0-9](?:.*[0-9])?){BLANK}(?:US\$|\$|USD)", r"\1"),
)
