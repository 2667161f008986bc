"""Values that are too long for an index, whose entries have at most some 2,700 bytes."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST_BYTES: Final = 2000
CODE: Final = "too_long_for_index"
MESSAGE: Final = f"must not be longer than {LONGEST_BYTES:,} bytes, nor may a value of a list"


def rows_with_long_values(values: pa.Array) -> np.ndarray:
    """Positions of the rows whose text, or one of whose list, is longer than `LONGEST_BYTES`."""
    is_list = pa.types.is_list(values.type)
    texts = pc.list_flatten(values) if is_list else values
    if not pa.types.is_string(texts.type):
        return np.zeros(0, dtype=np.int64)
    sizes = pc.fill_null(pc.binary_length(texts), 0)
    if (pc.max(sizes).as_py() or 0) <= LONGEST_BYTES:
        return np.zeros(0, dtype=np.int64)
    found = np.flatnonzero(sizes.to_numpy(zero_copy_only=False) > LONGEST_BYTES)
    return np.unique(pc.list_parent_indices(values).to_numpy()[found]) if is_list else found
