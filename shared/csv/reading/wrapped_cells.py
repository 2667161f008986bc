"""Cells between quotes in a file that seemed to have none.

A file with tabs may be written without quotes, or with quotes only where a cell needs them; then the first records may
not show it. A cell between quotes whose quotes are all doubled can only be a wrapped one. A cell between quotes without
any inside may be a title like "Rome", and stays as it is.
"""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_WRAPPED: Final = r'^"(?:[^"]|"")*""(?:[^"]|"")*"$'
_WRAPPED_CELL: Final = re.compile(_WRAPPED.encode().replace(b"$", rb"\Z"))


def unwrapped(cell: bytes) -> bytes:
    """The cell without its quotes, if it must be a wrapped one."""
    return cell[1:-1].replace(b'""', b'"') if _WRAPPED_CELL.match(cell) else cell


def unwrapped_table(table: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """The table with such cells unwrapped, and the rows that hold one (int64)."""
    columns, rows = [], [np.zeros(0, dtype=np.int64)]
    for column in table.columns:
        is_wrapped = pc.fill_null(pc.match_substring_regex(column, _WRAPPED), False)
        if pc.any(is_wrapped).as_py():
            inner = pc.replace_substring(pc.utf8_slice_codeunits(column, 1, -1), '""', '"')
            column = pc.if_else(is_wrapped, inner, column)  # noqa: PLW2901
            rows.append(np.flatnonzero(is_wrapped.to_numpy()))
        columns.append(column)
    return pa.table(columns, names=table.column_names), np.concatenate(rows)
