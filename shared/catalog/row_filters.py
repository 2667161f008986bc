"""What readers ask of a table's rows: filters, an order, and fields, as text that a client writes.

year=1995   year__gte=1990   year__lt=2000   title__prefix=The   genres__has=Drama   runtime__null=true
sort=-year,title             fields=title,year
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from shared.catalog.table import Field, FieldType, Table
from shared.errors import InvalidRequest

_SEPARATOR: Final = "__"
_LONGEST_TEXT: Final = 1000
_INTEGER_BYTES: Final = {FieldType.BIGINT: 8, FieldType.INTEGER: 4, FieldType.SMALLINT: 2}
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


class InvalidFilter(InvalidRequest):
    """A filter, an order or a list of fields that the table does not have, or a value of another type."""

    code = "invalid_filter"


class Operator(StrEnum):
    """How a filter compares a field with its value."""

    EQUAL = "eq"
    AT_LEAST = "gte"
    AT_MOST = "lte"
    MORE = "gt"
    LESS = "lt"
    PREFIX = "prefix"
    HAS = "has"
    NULL = "null"


_ORDERED: Final = (Operator.EQUAL, Operator.AT_LEAST, Operator.AT_MOST, Operator.MORE, Operator.LESS, Operator.NULL)
_OPERATORS: Final = {
    FieldType.TEXT: (*_ORDERED, Operator.PREFIX),
    FieldType.TEXTS: (Operator.HAS, Operator.NULL),
    FieldType.BOOLEAN: (Operator.EQUAL, Operator.NULL),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose field compares so with the value."""

    field: Field
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field of an order. Rows without a value come last in both directions."""

    field: Field
    is_descending: bool = False


def parse_filter(table: Table, name: str, text: str) -> Filter:
    """`year__gte`, `1990`; raises `InvalidFilter`."""
    field_name, separator, suffix = name.rpartition(_SEPARATOR)
    if not separator or name in table.readable:
        field_name, suffix = name, Operator.EQUAL
    field = _field(table, field_name)
    allowed = _OPERATORS.get(field.type, _ORDERED)
    if suffix not in allowed:
        raise InvalidFilter(f"{field.public_name} has no filter {suffix}; it has {', '.join(allowed)}")
    operator = Operator(suffix)
    compared = Field(name, FieldType.BOOLEAN, "") if operator is Operator.NULL else field
    return Filter(field, operator, parse_value(compared, text))


def parse_value(field: Field, text: str) -> Any:
    """A value of the field's type; raises `InvalidFilter`."""
    try:
        return _PARSERS.get(field.type, _text)(text, field.type)
    except ValueError as error:
        raise InvalidFilter(f"{field.public_name} must be {error}, not {text[:_LONGEST_TEXT]!r}") from error


def parse_sort(table: Table, text: str) -> tuple[SortKey, ...]:
    """`-year,title`; raises `InvalidFilter`."""
    keys = []
    for part in filter(None, text.split(",")):
        field = _field(table, part.removeprefix("-"))
        if field.type is FieldType.TEXTS:
            raise InvalidFilter(f"rows have no order by {field.public_name}: it is a list")
        keys.append(SortKey(field, part.startswith("-")))
    if len({key.field.name for key in keys}) < len(keys):
        raise InvalidFilter("sort names a field twice")
    return tuple(keys)


def parse_fields(table: Table, text: str) -> tuple[Field, ...]:
    """`title,year`; raises `InvalidFilter`. All fields if the text is empty."""
    names = dict.fromkeys(filter(None, text.split(",")))
    return tuple(_field(table, name) for name in names) or tuple(table.readable.values())


def _field(table: Table, name: str) -> Field:
    found = table.readable.get(name)
    if found is None:
        known = list(table.readable)
        raise InvalidFilter(f"there is no field {name[:_LONGEST_TEXT]!r}", {"known": known})
    return found


def _integer(text: str, type_: FieldType) -> int:
    bits = 8 * _INTEGER_BYTES[type_] - 1
    try:
        value = int(text)
    except ValueError:
        raise ValueError("a whole number") from None
    if not -(2**bits) <= value < 2**bits:
        raise ValueError(f"between {-(2**bits)} and {2**bits - 1}")
    return value


def _number(text: str, _type: FieldType) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("a number")
    return value


def _day(text: str, _type: FieldType) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day (1995-10-30)") from None


def _flag(text: str, _type: FieldType) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError("true or false")
    return _FLAGS[text.lower()]


def _text(text: str, _type: FieldType) -> str:
    if "\0" in text or len(text) > _LONGEST_TEXT:
        raise ValueError(f"text of at most {_LONGEST_TEXT} characters without NUL")
    return text


_PARSERS: Final[dict[FieldType, Callable[[str, FieldType], Any]]] = {
    FieldType.BIGINT: _integer,
    FieldType.INTEGER: _integer,
    FieldType.SMALLINT: _integer,
    FieldType.DOUBLE: _number,
    FieldType.DATE: _day,
    FieldType.BOOLEAN: _flag,
}
