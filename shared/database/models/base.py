"""The declarative base, and what several tables use."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import DateTime, MetaData, Text, Uuid
from sqlalchemy.orm import DeclarativeBase

from shared.database.state_machine import sql_list

TENANT_NAME: Final = "[a-z0-9][a-z0-9_-]{0,62}"


class Base(DeclarativeBase):
    """Declarative base; every constraint gets a name that migrations can use."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), str: Text(), uuid.UUID: Uuid()}


def one_of(column: str, values: Iterable[StrEnum]) -> str:
    """The SQL condition that a column has one of these values."""
    return f"{column} IN ({sql_list(list(values))})"
