"""What a table is: the fields of its rows, what identifies a row, and what readers may ask for quickly."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import pyarrow as pa

Fields = dict[str, pa.Array]


class FieldType(Enum):
    """What a field holds, as the Arrow type of its columns."""

    BIGINT = pa.int64()
    DOUBLE = pa.float64()
    TIMESTAMP = pa.timestamp("us", tz="UTC")
    INTEGER = pa.int32()
    DATE = pa.date32()
    SMALLINT = pa.int16()
    BOOLEAN = pa.bool_()
    TEXT = pa.string()
    TEXTS = pa.list_(pa.string())

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return self.value

    @property
    def bytes(self) -> int:
        """The width of a value in bytes; 0 if it varies."""
        return WIDTHS.get(self, 0)


WIDTHS: Final[Mapping[FieldType, int]] = {
    FieldType.BIGINT: 8,
    FieldType.DOUBLE: 8,
    FieldType.TIMESTAMP: 8,
    FieldType.INTEGER: 4,
    FieldType.DATE: 4,
    FieldType.SMALLINT: 2,
    FieldType.BOOLEAN: 1,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table's rows; a value may be null unless it is `required`. `is_internal`: not for readers.

    `name` is that of the database's column, `title` what readers call it, which may be any text; by default the same.
    """

    name: str
    type: FieldType
    description: str
    required: bool = False
    is_internal: bool = False
    title: str = ""

    @property
    def public_name(self) -> str:
        """What readers call it."""
        return self.title or self.name


@dataclass(frozen=True, slots=True)
class Index:
    """An index that serves a listing; it ends with the id, the tie-breaker of keyset paging.

    Its texts must be short, because a B-tree refuses an entry of more than 2,704 bytes: checks bound them.
    `leaves_out_null`: no listing asks for rows without a value of its first field, so they are not in it.
    """

    name: str
    fields: tuple[str, ...]
    leaves_out_null: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A field whose values are ids in another table: `target_field`, the first one of that table's key.

    Nothing enforces it: files come in any order, and their publishers leave rows out. What dangles can be counted. Of a
    field with several values, each is an id.
    """

    field: str
    table: str
    target_field: str = "source_id"


@dataclass(frozen=True, slots=True)
class Group:
    """Values of a field by which rows are counted: of a list each one, of numbers their multiples of `step` below."""

    name: str
    field: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """How many rows have which values of some fields; rows without a value of the first one are left out."""

    name: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Table:
    """Where rows land: one kind of thing, whatever dataset it comes from.

    Besides its fields, every row has `id`, `tenant`, `collection` and `extra`. `key`: the fields that together identify
    a row among those of its dataset; it has an index, so checks bound its texts, too. `indexes`: the others of every
    partition, the slowest to build first. `facets`: fields by whose values rows are counted as they are loaded, so that
    no request counts rows; `breakdowns` are further counts of that kind. `words`: fields whose words find a row (see
    `search_words`), in one full-text index; `long_texts`: fields of running text whose words do, each in an index of
    its own; `lists`: fields whose single values do. `late_indexes` come to a large upload with those of words: without
    them requests are slow, but not wrong. `references`: the fields that hold ids of other rows. `derive`
    computes further fields from those of a dataset.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    facets: tuple[str, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    words: tuple[str, ...] = ()
    long_texts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    late_indexes: tuple[Index, ...] = ()
    references: tuple[Reference, ...] = ()
    derive: Callable[[Fields], Fields] = lambda _fields: {}

    @property
    def short_fields(self) -> frozenset[str]:
        """Fields of free text whose values are in an index of their own, so they must be short."""
        grouped = (group.field for breakdown in self.breakdowns for group in breakdown.groups)
        return frozenset((*self.facets, *grouped, *self.lists))

    @property
    def readable(self) -> dict[str, Field]:
        """The fields that readers see, by what they call them."""
        return {field.public_name: field for field in self.fields if not field.is_internal}

    @property
    def public_indexes(self) -> list[list[str]]:
        """The fields of each index, as readers call them; an index with an internal field serves no filter."""
        names = {field.name: field.public_name for field in self.readable.values()}
        return [[names[name] for name in index.fields] for index in self.indexes if names.keys() >= {*index.fields}]

    @property
    def origin_names(self) -> dict[str, str]:
        """What readers call `id`, `upload_id`, `line` and `extra` of a row: names that no field has."""
        return {name: self.free_name(name) for name in ("id", "upload_id", "line", "extra")}

    def free_name(self, name: str) -> str:
        """What readers call something of a row that is none of its fields: `_name`, or a name that no field has."""
        return _free(f"_{name}", self.readable)

    @property
    def public_key(self) -> list[str]:
        """The fields of the key, as readers call them."""
        names = {field.name: field.public_name for field in self.fields}
        return [names[name] for name in self.key]

    @property
    def indexed_fields(self) -> tuple[str, ...]:
        """The fields in any index, that of the key included: the planner needs their statistics."""
        ordered = (name for index in (*self.indexes, *self.late_indexes) for name in index.fields)
        return tuple(dict.fromkeys((*self.key, *ordered)))


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name
