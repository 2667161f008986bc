"""Spans tile any content, and reading them gives what reading the whole does."""

from typing import Final

from tests.fuzz.controls import controls, dialect_of
from tests.unit.csv.reading import assert_batches_make_no_difference

# dialect, size of batches, size of blocks
CONTROLS: Final = 3
# Large content is cut into few batches: each costs a reading.
_MOST_BATCHES: Final = 20


def check(data: bytes) -> None:
    (dialect, batch, block), content = controls(data, CONTROLS)
    least = len(content) // _MOST_BATCHES
    assert_batches_make_no_difference(content, dialect_of(dialect), max(batch + 1, least), max(block + 1, least))
