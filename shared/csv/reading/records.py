"""The result of reading: valid records as text with their locations, and reasons for the malformed ones."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.csv.encodings.undecoded import displayed
from shared.csv.file_warnings import FileWarning

LONGEST_VALUE_CHARACTERS = 1_000
_EXCHANGED = str.maketrans("\r\n", "\n\r")

# `record`: position among all records of the batch, from 0; `column` is null if the reason concerns the whole record.
REASONS = pa.schema(
    {"record": pa.int64(), "column": pa.string(), "code": pa.string(), "message": pa.string(), "value": pa.string()}
)


@dataclass(frozen=True, slots=True)
class Locations:
    """The line at which each record of a batch begins, and its bytes in the stored file; int64, in order."""

    line_numbers: np.ndarray
    byte_starts: np.ndarray
    byte_ends: np.ndarray

    def __len__(self) -> int:
        return len(self.line_numbers)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a batch.

    `table`: one string column for each name of the header. `numbers`: int64, the record that each row is. `reasons`
    (see `REASONS`) concern records that are not in `table`. `blank`: int64, the records that hold nothing; they do not
    count. `warnings`: what to know about the others.
    """

    table: pa.Table
    numbers: np.ndarray
    locations: Locations
    reasons: pa.Table
    blank: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    warnings: list[FileWarning] = field(default_factory=list)

    @property
    def line_numbers(self) -> np.ndarray:
        """The line at which each row of `table` begins."""
        numbers: np.ndarray = self.locations.line_numbers[self.numbers]
        return numbers

    @property
    def read(self) -> int:
        """How many records the bytes hold, malformed ones included and blank ones not."""
        return len(self.locations) - len(self.blank)


def reasons(records: np.ndarray, column: str | None, code: str, message: str, values: pa.Array) -> pa.Table:
    """The same reason for several records; `values` holds the text of each in this column, or null."""
    count = len(records)
    columns = [
        pa.array(records, pa.int64()),
        pa.repeat(pa.scalar(column, pa.string()), count),
        pa.repeat(pa.scalar(code), count),
        pa.repeat(pa.scalar(message), count),
        values,
    ]
    return pa.Table.from_arrays(columns, schema=REASONS)


def shown(value: bytes | str) -> str:
    """A value as a reject shows it: bytes that are not text are escaped, and a long value is cut."""
    text = displayed(value) if isinstance(value, bytes) else value
    text = text.replace("\0", "\\x00")
    return text if len(text) <= LONGEST_VALUE_CHARACTERS else text[:LONGEST_VALUE_CHARACTERS] + "…"


def exchanged_back(values: pa.StringArray) -> pa.StringArray:
    """The values of a file whose carriage returns and line feeds were exchanged, as they were in the file."""
    if not pc.any(pc.match_substring_regex(values, "[\r\n]")).as_py():
        return values
    return pa.array([None if value is None else value.translate(_EXCHANGED) for value in values.to_pylist()])
