"""The bulk-loaded tables as Arrow schemas: binary COPY must send exactly the types of the columns."""

from functools import lru_cache
from typing import Final

import pyarrow as pa

from shared.catalog.table import Table
from shared.database.row_tables import stored_fields

# The binary form of jsonb is a version byte and the text. Text is sent unchanged, so the byte is part of it.
JSONB_VERSION: Final = "\x01"

# The columns of `models.Reject`; a test compares them.
REJECTS: Final = pa.schema(
    {
        "upload_number": pa.int64(),
        "line_number": pa.int64(),
        "position": pa.int16(),
        "column_name": pa.string(),
        "code": pa.string(),
        "message": pa.string(),
        "value": pa.string(),
        "byte_start": pa.int64(),
        "byte_end": pa.int64(),
    }
)


@lru_cache
def arrow_schema(table: Table) -> pa.Schema:
    """The columns of a table; its `extra` is text that begins with `JSONB_VERSION`."""
    columns = [(field.name, field.type.arrow) for field in stored_fields(table)]
    return pa.schema([*columns, ("extra", pa.string())])
