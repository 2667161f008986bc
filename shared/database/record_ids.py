"""Ids of records: `upload number * 2^32 + line number`.

An id says which upload and which line a row came from. It is known before the row is written, so loading a record twice
is a duplicate key. Ids are exact in JavaScript (2^53) as long as upload numbers stay below 2^21. Upload numbers come
from two halves: the ids of all small uploads form one range, so that their shared partition never overlaps with the
partition of a large upload.
"""

from typing import Final

LINE_BITS: Final = 32
FIRST_LARGE_NUMBER: Final = 2**20
LAST_NUMBER: Final = 2**21 - 1


def first_id(upload_number: int) -> int:
    """The smallest id that a record of this upload can have."""
    return upload_number << LINE_BITS


def upload_number_of(record_id: int) -> int:
    """The number of the upload that a record came with."""
    return record_id >> LINE_BITS


def line_number_of(record_id: int) -> int:
    """The line of the uploaded file, counted from 1, at which the record begins."""
    return record_id & ((1 << LINE_BITS) - 1)


def is_large(upload_number: int) -> bool:
    """Whether the upload's records have a partition of their own."""
    return upload_number >= FIRST_LARGE_NUMBER
