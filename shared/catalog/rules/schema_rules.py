"""Parse rules for field types of a Table Schema that no publisher's file needs: words for true and false, moments with
a zone, lists with a delimiter, JSON.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules.basic_rules import PLAIN_DAY, Flag, Repeating, Rule
from shared.catalog.rules.notations import TRIMMED

_TIME: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_ZONE: Final = r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)"
_EXAMPLE: Final = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
# Those of strptime that mean the same in every locale.
_DIRECTIVES: Final = frozenset("YymbBdHIpMSfzj%")
_NEEDED: Final = ("Yy", "mbBj", "dj", "HI")
_ONCE: Final = "MSfpz"


class Words(Flag):
    """A boolean that is one of the given words."""

    notations = ()

    def __init__(self, true_values: Sequence[str], false_values: Sequence[str]) -> None:
        """Raises `ValueError` for a word that means both, and if there are none."""
        self._true, self._false = frozenset(true_values), frozenset(false_values)
        if not self._true or not self._false or self._true & self._false:
            raise ValueError("trueValues and falseValues need a word each, and none may be in both")
        self.message = f"must be {' or '.join((*sorted(self._true), *sorted(self._false)))}"

    @override
    def parse(self, text: str) -> bool:
        if text not in self._true | self._false:
            raise ValueError
        return text in self._true

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        is_true = pc.is_in(column, pa.array(sorted(self._true)))
        known = pc.or_(is_true, pc.is_in(column, pa.array(sorted(self._false))))
        plain = pc.if_else(pc.is_valid(column), known, None)
        return pc.if_else(plain, is_true, None), plain


class Moment(Rule):
    """A moment as ISO 8601 writes it; without a zone it is in UTC, as Table Schema has it."""

    name = "datetime"
    code = "not_a_datetime"
    message = "must be a moment that exists, like 1999-12-31T23:59:59Z"
    type = pa.timestamp("us", tz="UTC")
    notations = (TRIMMED,)
    _pattern = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]{_TIME}{_ZONE}?", re.ASCII)
    _plain = rf"^{PLAIN_DAY}[T ]{_TIME}Z?$"

    @override
    def parse(self, text: str) -> datetime:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text):
            raise ValueError
        return _in_utc(datetime.fromisoformat(text))

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, self._plain)
        bare = pc.utf8_rtrim(pc.if_else(plain, column, None), "Z")
        return pc.assume_timezone(pc.cast(bare, pa.timestamp("us")), "UTC"), plain


class FormattedMoment(Repeating):
    """A moment in a format of strptime (`%d/%m/%Y %H:%M`); without a zone it is in UTC."""

    name = Moment.name
    code = Moment.code
    type = Moment.type

    def __init__(self, format: str) -> None:  # noqa: A002  as Table Schema names it
        """Raises `ValueError` for a format that is not one moment, or that depends on the locale."""
        found = re.findall("%(.)", format, re.DOTALL)
        unknown = [directive for directive in found if directive not in _DIRECTIVES]
        if unknown or format.count("%") != len(found) + found.count("%"):
            raise ValueError(f"a datetime format cannot have %{unknown[0] if unknown else ''}: {format!r}")
        is_one = all(sum(directive in needed for directive in found) == 1 for needed in _NEEDED)
        if not is_one or any(found.count(directive) > 1 for directive in _ONCE) or ("I" in found) != ("p" in found):
            raise ValueError(f"a datetime format needs one year, one month, one day and one hour: {format!r}")
        self._format = format
        self.message = f"must be a moment that exists, like {_EXAMPLE.strftime(format)}"

    @override
    def parse(self, text: str) -> datetime:
        return _in_utc(datetime.strptime(text.strip(), self._format))  # noqa: DTZ007  `_in_utc` adds the zone


class TextList(Repeating):
    """Values with a delimiter between them, each as it is."""

    name = "list of text"
    code = "not_a_list"
    type = pa.list_(pa.string())

    def __init__(self, delimiter: str = ",") -> None:
        """Raises `ValueError` for a delimiter that is no text."""
        if not delimiter:
            raise ValueError("the delimiter of a list must be a text")
        self.message = f"must be values with {delimiter!r} between them"
        self._delimiter = delimiter

    @override
    def parse(self, text: str) -> list[str]:
        return text.split(self._delimiter)


class JsonObject(Repeating):
    """A JSON object, kept as the text that it is."""

    name = "object"
    code = "not_an_object"
    message = "must be a JSON object"

    @override
    def parse(self, text: str) -> str:
        try:
            value = json.loads(text)
        except RecursionError as error:
            raise ValueError from error
        if not isinstance(value, dict):
            raise ValueError  # noqa: TRY004 - the cell's text is at fault
        return text


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # in UTC it is in a year that does not exist
        raise ValueError from error
