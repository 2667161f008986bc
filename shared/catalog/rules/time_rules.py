"""Parse rules for moments in time."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules.basic_rules import IsoDate, Rule
from shared.catalog.rules.notations import TRIMMED, Replaced

_TIME: Final = r"(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]):(?P<seconds>[0-5][0-9])"
_UTC_TIME: Final = rf"(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ]{_TIME}(?:\.0{{1,9}})?(?:Z|\+00:00)?"
_UTC_TIME_CELL: Final = re.compile(_UTC_TIME, re.ASCII)
_UNITS: Final = {"hours": 3_600, "minutes": 60, "seconds": 1}
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True)
class UtcTime:
    """A time in UTC (`2000-07-30 18:45:03`), which becomes seconds since 1970."""

    def rewrite(self, text: str) -> str:
        """The seconds, if the day exists."""
        match = _UTC_TIME_CELL.fullmatch(text)
        if match is None:
            return text
        try:
            moment = datetime.fromisoformat(match["day"]).replace(tzinfo=UTC)
        except ValueError:
            return text
        return str(int(moment.timestamp()) + sum(int(match[name]) * unit for name, unit in _UNITS.items()))

    def rewrite_column(self, column: pa.StringArray) -> pa.StringArray:
        """The seconds where a cell is such a time and its day exists."""
        found = pc.extract_regex(column, f"^(?:{_UTC_TIME})$")
        days, _ = IsoDate().convert(pc.struct_field(found, "day"))
        total = pc.multiply(days.cast(pa.int32()).cast(pa.int64()), _DAY_SECONDS)
        for name, unit in _UNITS.items():
            total = pc.add(total, pc.multiply(pc.struct_field(found, name).cast(pa.int64()), unit))
        return pc.coalesce(total.cast(pa.string()), column)


class UnixSeconds(Rule):
    """A moment as seconds since 1970 in UTC, for files that write it so; some copies of them have times in UTC.

    Nine or ten digits are the years from 1973 to 2286. Fewer are no such moment, and more count milliseconds.
    """

    name = "timestamp"
    code = "not_a_timestamp"
    message = "must be seconds since 1970 in nine or ten digits (964982703), or a time in UTC (2000-07-30 18:45:03)"
    type = pa.timestamp("us", tz="UTC")
    notations = (TRIMMED, UtcTime(), Replaced(r"([0-9]{9,10})\.0", r"\1"))
    _pattern = re.compile(r"[1-9]\d{8,9}", re.ASCII)

    @override
    def parse(self, text: str) -> datetime:
        text = self.rewritten(text)
        if not self._pattern.fullmatch(text):
            raise ValueError
        return datetime.fromtimestamp(int(text), UTC)

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, r"^[1-9]\d{8,9}$")
        seconds = pc.cast(pc.if_else(plain, column, None), pa.int64())
        return seconds.cast(pa.timestamp("s", tz="UTC")).cast(self.type), plain
