"""What a text must be like to be stored."""

import numpy as np
import pyarrow as pa

from shared.csv.structure.scan import LONGEST_FIELD_BYTES


def is_utf8(data: bytes) -> bool:
    """Whether the data is valid UTF-8.

    This is checked before parsing, because the handler of invalid rows in pyarrow cannot take invalid text.
    """
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int32))
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def text_fault(cell: bytes) -> str | None:
    """The code of what is wrong with a cell's text; None if it is valid."""
    if b"\0" in cell:
        return "nul_byte"
    if len(cell) > LONGEST_FIELD_BYTES:
        return "field_too_long"
    try:
        cell.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return None
