"""The bulk-loaded tables as Arrow schemas: binary COPY must send exactly the types of the columns."""

from typing import Any, Final

import pyarrow as pa
from sqlalchemy import BigInteger, Boolean, Date, Double, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from shared.database.models import Movie, Reject

# The binary form of jsonb is a version byte and the text. Text is sent unchanged, so the byte is part of it.
JSONB_VERSION: Final = "\x01"

_TYPES: Final[dict[type[TypeEngine[Any]], pa.DataType]] = {
    BigInteger: pa.int64(),
    Integer: pa.int32(),
    SmallInteger: pa.int16(),
    Double: pa.float64(),
    Date: pa.date32(),
    Boolean: pa.bool_(),
    Text: pa.string(),
    JSONB: pa.string(),
    ARRAY: pa.list_(pa.string()),
}


def _schema(table: object) -> pa.Schema:
    assert isinstance(table, Table)
    return pa.schema([(column.name, _TYPES[type(column.type)]) for column in table.columns])


MOVIES: Final = _schema(Movie.__table__)
REJECTS: Final = _schema(Reject.__table__)
