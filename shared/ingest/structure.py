"""Where the records of a span begin and end, and which of them are damaged.

Sound quotes are counted, all at once: outside of them each newline ends a record. Where a quote is not sound, `walk`
goes through the quotes one by one. Splitter and reader both ask here, so that they always mean the same records.
"""

from dataclasses import dataclass

import numpy as np

from shared.ingest.dialect import Dialect
from shared.ingest.marks import are_sound, find_marks
from shared.ingest.scan import LONGEST_FIELD_BYTES
from shared.ingest.walk import Damage, Walk


@dataclass(frozen=True, slots=True)
class Structure:
    """Of n records: `ends` (n, int64) behind each with its line's end.

    `quotes` are those that open or close, in turns; `line_feeds` and `returns` are all, inside of quotes or not.
    """

    ends: np.ndarray
    quotes: np.ndarray
    line_feeds: np.ndarray
    returns: np.ndarray
    damages: list[Damage]

    def is_outside(self, positions: np.ndarray) -> np.ndarray:
        """Which of these positions are not inside of quotes."""
        return _are_outside(positions, self.quotes)


def find_structure(data: bytes, dialect: Dialect, fields: int, broken: frozenset[int] = frozenset()) -> Structure:
    """The records of a span that begins with one. `fields`: how many each should have.

    `broken`: where records begin that are known to be damaged though their quotes close.
    """
    octets = np.frombuffer(data, np.uint8)
    marks = find_marks(octets, dialect)
    quotes, damages = marks.quotes, list[Damage]()
    if broken or not are_sound(octets, quotes, dialect.delimiter):
        walk = Walk(data, marks, dialect, fields, broken)
        walk.run()
        quotes, damages = np.array(walk.cells, dtype=np.int64).reshape(-1), walk.damages
    return Structure(
        _ends(marks.line_feeds, quotes, damages, len(data)), quotes, marks.line_feeds, marks.returns, damages
    )


def has_sound_quotes(data: bytes, dialect: Dialect) -> bool:
    """Whether each quote stands where one may: then their number tells what is inside of them."""
    octets = np.frombuffer(data, np.uint8)
    return are_sound(octets, find_marks(octets, dialect).quotes, dialect.delimiter)


def last_safe_end(data: bytes, dialect: Dialect, fields: int) -> int:
    """Where the last record ends that nothing that follows these bytes can change; 0 if there is none.

    The data begins with a record and ends with a line, while more of the file is still to come.
    """
    structure = find_structure(data, dialect, fields)
    undecided = [
        damage.start
        for damage in structure.damages
        if damage.end == len(data) or (damage.is_open and len(data) - damage.start <= 2 * LONGEST_FIELD_BYTES)
    ]
    ends = structure.ends[structure.ends <= min(undecided, default=len(data))]
    return int(ends[-1]) if len(ends) else 0


def _are_outside(positions: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    outside: np.ndarray = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _ends(line_feeds: np.ndarray, quotes: np.ndarray, damages: list[Damage], size: int) -> np.ndarray:
    outside = _are_outside(line_feeds, quotes)
    for damage in damages:
        begin, end = np.searchsorted(line_feeds, [damage.start, damage.end])
        outside[begin:end] = line_feeds[begin:end] == damage.end - 1
    ends: np.ndarray = line_feeds[outside] + 1
    if size and (not len(ends) or ends[-1] < size):
        ends = np.append(ends, size)  # the last line of a file may have no end
    return ends
