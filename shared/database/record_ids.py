"""Ids of records: the first id of their upload, plus the line at which they begin.

An id is known before its row is written, so loading a record twice is a duplicate key. Each upload has a range of ids
for itself (`uploads.first_id`), from one of two sequences. A small upload has at most 2^24 lines, a large one 2^32:

    2^24 ... 2^52    small uploads, 2^24 ids each: 268 million of them
    2^52 ... 2^53    large uploads, 2^32 ids each: a million of them

All ids stay below 2^53, so they are exact in JavaScript. A retry takes a new range.

A transaction that takes a range holds a shared lock of its tenant until it ends (`TAKE_RANGE`). Who holds the lock for
itself (`STOP_RANGES`) knows every range that was taken, and all later ones are higher.
"""

from typing import Final

SMALL_LINES: Final = 2**24
LARGE_LINES: Final = 2**32
FIRST_LARGE_ID: Final = 2**52
LAST_ID: Final = 2**53 - 1

# An arbitrary number, and the tenant.
TAKE_RANGE: Final = "SELECT pg_advisory_xact_lock_shared(5270919, hashtext(%(tenant)s))"
STOP_RANGES: Final = "SELECT pg_advisory_xact_lock(5270919, hashtext(%(tenant)s))"


def is_large(first_id: int) -> bool:
    """Whether the upload with this range has a partition of its own."""
    return first_id >= FIRST_LARGE_ID


def end_of(first_id: int) -> int:
    """The first id behind the range."""
    return first_id + (LARGE_LINES if is_large(first_id) else SMALL_LINES)


def first_id_of(column: str) -> str:
    """SQL for the first id of the range that an id is in."""
    of_large, of_small = (f"{column} / {lines} * {lines}" for lines in (LARGE_LINES, SMALL_LINES))
    return f"CASE WHEN {column} >= {FIRST_LARGE_ID} THEN {of_large} ELSE {of_small} END"


def end_id_of(column: str) -> str:
    """SQL for the first id behind the range that begins with an id."""
    return f"{column} + CASE WHEN {column} >= {FIRST_LARGE_ID} THEN {LARGE_LINES} ELSE {SMALL_LINES} END"
