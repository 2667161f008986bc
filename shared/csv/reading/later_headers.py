"""Headers below the first one: a file that was joined from several has one for each, perhaps in another order.

From such a line on the columns are in its order. The splitter notes the order in which each span begins, because
batches are read on their own; the reader follows the changes within a batch.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.csv.dialect import Dialect
from shared.csv.structure.record_structure import find_structure
from shared.csv.structure.scan import scan_record

_BYTE_ORDER_MARK = "\ufeff"


class LaterHeaders:
    """Finds the lines that hold the names of `header`, in any order."""

    def __init__(self, header: Sequence[str], dialect: Dialect) -> None:
        self._header = tuple(header)
        self._names = sorted(header)
        self._dialect = dialect
        # The longest name is the one that other cells hold least often.
        self.rare = max(header, key=len, default="")
        self._needle = self.rare.encode()

    def may_be_in(self, content: bytes | bytearray, end: int) -> bool:
        """Whether the first `end` bytes could have such a line: a fast look."""
        return bool(self._needle) and content.find(self._needle, 0, end) >= 0

    def order_of(self, cells: Sequence[str | None]) -> tuple[str, ...] | None:
        """The order of the columns from here on, if these cells are a header."""
        if self.rare not in cells and _BYTE_ORDER_MARK + self.rare not in cells:
            return None
        names = [(cell or "").removeprefix(_BYTE_ORDER_MARK).strip() for cell in cells]
        return tuple(names) if sorted(names) == self._names else None

    def orders_in(self, content: bytes) -> Iterator[tuple[str, ...]]:
        """The order that each later header of a span of whole records declares."""
        ends = find_structure(content, self._dialect, len(self._header)).ends
        start = 0
        for end in ends.tolist():
            if content.find(self._needle, start, end) >= 0:
                cells = scan_record(content[start:end], 0, self._dialect, len(self._header)).fields
                order = self.order_of([cell.decode("utf-8", "replace") for cell in cells or ()])
                if order is not None:
                    yield order
            start = end


def rows_with(table: pa.Table, name: str) -> np.ndarray:
    """The rows in which a cell holds this name, with or without a byte order mark (int64)."""
    names = pa.array([name, _BYTE_ORDER_MARK + name])
    found = [np.flatnonzero(pc.is_in(column, names).to_numpy()) for column in table.columns]
    rows: np.ndarray = np.unique(np.concatenate(found))
    return rows


def in_order(table: pa.Table, order: Sequence[str], later: Mapping[int, Sequence[str]]) -> pa.Table:
    """The table with each value in the column of its name.

    `order`: the names of the columns, as the first rows have them; `later`: row of a header -> the order from there on.
    The rows of headers are left out.
    """
    parts, start = [], 0
    for row, following in [*sorted(later.items()), (table.num_rows, order)]:
        part = table.slice(start, row - start)
        parts.append(part.rename_columns(list(order)).select(table.column_names))
        start, order = row + 1, following
    return pa.concat_tables(parts).combine_chunks()
