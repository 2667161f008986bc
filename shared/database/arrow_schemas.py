"""The tables that are bulk-loaded, as Arrow schemas: what binary COPY sends must be exactly what the columns are."""

from typing import Any, Final

import pyarrow as pa
from sqlalchemy import BigInteger, Boolean, Date, Double, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from shared.database.models import Movie, Reject

# jsonb's binary form is its text behind a version byte; text is sent as it is, so the byte is part of it.
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
