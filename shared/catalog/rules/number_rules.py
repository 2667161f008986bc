"""Parse rules for numbers that are more than numbers: amounts of money, percentages, ids."""

import re

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules.basic_rules import Decimal, Rule, Whole
from shared.catalog.rules.notations import BLANK, DOLLARS, LOWERED, NUMBERS, TRIMMED, WHOLE_NUMBERS, Notation, Replaced


class Amount(Whole):
    """A whole amount in US dollars (`30000000`, `28,341,469`, `$30,000,000`); other currencies are no number."""

    message = "must be a whole amount in US dollars (30000000 or $30,000,000)"
    notations: tuple[Notation, ...] = (TRIMMED, *DOLLARS, *WHOLE_NUMBERS)


class Percentage(Decimal):
    """A number of percent, with or without the sign: `85%` and `85` are 85."""

    name = "percentage"
    message = "must be a number of percent (85% or 85)"
    notations = (TRIMMED, Replaced(f"(.*[0-9]){BLANK}%", r"\1"), *NUMBERS)


class IdNumber(Rule):
    """An id of digits, as text; programs that take it for a decimal number write `862.0`."""

    name = "id"
    code = "invalid_id"
    message = "must be a number (862)"
    # a decimal number of more digits may be another id than that which it was
    notations = (TRIMMED, Replaced(r"([0-9]{1,15})\.0", r"\1"))

    @override
    def parse(self, text: str) -> str:
        text = self.rewritten(text)
        if not text.isascii() or not text.isdecimal():
            raise ValueError
        return text

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        return _where(column, pc.ascii_is_decimal(column))


class TitleId(Rule):
    """IMDb's id of a title (`tt0111161`), its digits alone if there are at least seven, or its address."""

    name = "id"
    code = "invalid_tconst"
    message = "must be tt and digits (tt0111161)"
    _pattern = re.compile(r"tt\d+", re.ASCII)
    notations: tuple[Notation, ...] = (
        TRIMMED,
        LOWERED,
        Replaced(r"(?:https?://)?(?:www\.|m\.)?imdb\.com/title/(tt[0-9]+)(?:[/?#].*)?", r"\1"),
        # IMDb writes at least seven; fewer have lost their zeros, or are another id
        Replaced("([0-9]{7,})", r"tt\1"),
    )

    @override
    def parse(self, text: str) -> str:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text):
            raise ValueError
        return text

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        return _where(column, pc.match_substring_regex(column, r"^tt\d+$"))


class TitleNumber(TitleId):
    """The number of IMDb's id of a title (`0114709` is tt0114709), which may have lost its zeros (`114709`)."""

    message = "must be the number of IMDb's id (0114709 or tt0114709)"
    notations: tuple[Notation, ...] = (
        TRIMMED,
        Replaced(r"([0-9]{1,15})\.0", r"\1"),
        *(Replaced(f"([0-9]{{{count}}})", f"tt{'0' * (7 - count)}\\1") for count in range(1, 7)),
        *TitleId.notations,
    )


def _where(column: pa.StringArray, plain: pa.BooleanArray) -> tuple[pa.Array, pa.BooleanArray]:
    """The cells that are plain, and which they are."""
    return pc.if_else(plain, column, None), plain
