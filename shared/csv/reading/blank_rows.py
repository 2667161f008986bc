"""Rows that hold nothing: blank lines, and rows of cells in which nothing can be seen."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.csv.dialect import Dialect
from shared.csv.invisible import INVISIBLE_PATTERN, is_blank

_BLANK: Final = f"^{INVISIBLE_PATTERN}*$"


def blank_rows(table: pa.Table) -> np.ndarray | None:
    """Which rows have only null and blank cells (n, bool); None if there is none."""
    if not table.num_rows:
        return None
    # The fullest column first: usually it shows that no row is blank.
    columns = sorted(table.columns, key=lambda column: int(column.null_count))
    candidates = np.arange(table.num_rows)
    for column in columns:
        cells = column.take(pa.array(candidates)) if len(candidates) < table.num_rows else column
        is_blank = pc.fill_null(pc.match_substring_regex(cells, _BLANK), True)
        candidates = candidates[is_blank.to_numpy(zero_copy_only=False)]
        if not len(candidates):
            return None
    found = np.zeros(table.num_rows, dtype=bool)
    found[candidates] = True
    return found


def is_blank_record(content: bytes, dialect: Dialect) -> bool:
    """Whether nothing can be seen in a record but delimiters and quotes."""
    text = content.decode("utf-8", "replace")
    kept = text.replace(dialect.delimiter, "").replace(dialect.quote if dialect.quoting else "", "")
    return is_blank(kept)
