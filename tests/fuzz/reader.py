"""Every byte is in one record, which is loaded or has a reason; values are what one record after the other gives."""

from typing import Final

from tests.fuzz.controls import controls, dialect_of
from tests.unit.csv.reading import assert_every_byte_is_in_one_record, assert_loaded_as_scanned, read_behind_others

# dialect, whether the content is repeated
CONTROLS: Final = 2
# Repeated content shows time that grows faster than the content.
_REPEATED_FROM: Final = 250
_REPEATED_BYTES: Final = 32 * 1024


def check(data: bytes) -> None:
    (dialect, repeat), content = controls(data, CONTROLS)
    if repeat >= _REPEATED_FROM and content:
        content *= max(_REPEATED_BYTES // len(content), 1)
    records = read_behind_others(content, dialect_of(dialect))
    assert_every_byte_is_in_one_record(content, records)
    assert_loaded_as_scanned(content, dialect_of(dialect), records)
