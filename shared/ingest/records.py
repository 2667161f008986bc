"""What reading yields: records as text, each with its line, and the faults of those that are none."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

LONGEST_VALUE_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the record that begins at `line_number` is not loaded; `column` is None if it is about the whole record."""

    line_number: int
    column: str | None
    code: str
    message: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Records:
    """`table`: one string column for each name of the header; `line_numbers`: int64, where each row begins."""

    table: pa.Table
    line_numbers: np.ndarray
    faults: list[Fault]

    @property
    def read(self) -> int:
        """How many records the bytes held, faulty ones included."""
        return int(self.table.num_rows) + len({fault.line_number for fault in self.faults})


def shown(value: bytes | str) -> str:
    """A value as a reject shows it: bytes that are no text are escaped, and a long one is cut."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    text = text.replace("\0", "\\x00")
    return text if len(text) <= LONGEST_VALUE_CHARACTERS else text[:LONGEST_VALUE_CHARACTERS] + "…"
