"""Datasets that tenants declare by a Table Schema: each has a table of its own.

    {"name": "box_office", "title": "...", "description": "...", "mode": "upsert",
     "indexes": [["year"], ["country", "gross"]],
     "schema": {"fields": [{"name": "id", "type": "integer"}, ...], "primaryKey": "id", "missingValues": ["", "NA"]}}

The database calls the columns `c1`, `c2` and so on, in the order of the fields, because a name in a header may be any
text. So a later version may add fields and indexes at the end, and never takes one away.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

from shared.catalog.checks import MostBytes
from shared.catalog.dataset import Column, Dataset, normalised
from shared.catalog.schemas.constraints import checks_of
from shared.catalog.schemas.field_types import kind_of
from shared.catalog.schemas.members import are_words, refuse_others, require, storable
from shared.catalog.table import Field, FieldType, Index, Table
from shared.catalog.write_mode import WriteMode
from shared.errors import InvalidSchema

MOST_FIELDS: Final = 1_000
MOST_INDEXES: Final = 20
MOST_INDEX_FIELDS: Final = 8
# A request may ask for it, so no dataset has this name.
AUTO: Final = "auto"
TABLE_PREFIX: Final = "d"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_LONGEST_NAME: Final = 1_000
_LONGEST_TEXT: Final = 5_000
_MOST_WORDS: Final = 100
# A B-tree takes entries of 2,704 bytes, with some for each value and for the id.
_INDEX_BYTES: Final = 2_600
_MEMBERS: Final = frozenset(("name", "title", "description", "mode", "schema", "indexes"))
_SCHEMA_MEMBERS: Final = frozenset(
    ("$schema", "fields", "primaryKey", "missingValues", "name", "title", "description", "fieldsMatch")
)

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Declaration:
    """What a tenant has declared. `indexes`: the fields of each, by name. `mode`: see `Dataset`."""

    name: str
    title: str
    description: str
    fields: tuple[Schema, ...]
    primary_key: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ("",)
    indexes: tuple[tuple[str, ...], ...] = ()
    mode: WriteMode = WriteMode.APPEND

    @classmethod
    def parse(cls, document: Any) -> Self:
        """From JSON; raises `InvalidSchema`, which names what cannot be."""
        require(isinstance(document, dict), "a dataset must be a JSON object with a name and a schema")
        refuse_others(document, _MEMBERS, "the dataset")
        try:
            storable(document)
        except (ValueError, RecursionError) as error:
            raise InvalidSchema("the dataset has texts or numbers that cannot be stored") from error
        name, schema = document.get("name"), document.get("schema")
        require(
            isinstance(name, str) and _NAME.fullmatch(name) is not None and name != AUTO,
            "name must have up to 63 small letters, digits, _, . and -, and begin with a letter or a digit",
        )
        require(isinstance(schema, dict), "schema must be a Table Schema: a JSON object with fields")
        made = cls(
            name=name,
            title=_text(document, "title") or name,
            description=_text(document, "description"),
            fields=_fields(schema),
            primary_key=_key(schema),
            missing_values=_words(schema),
            indexes=_indexes(document),
            mode=_mode(document),
        )
        require(bool(made.primary_key) or made.mode is not WriteMode.UPSERT, "the mode upsert needs a primaryKey")
        made.dataset(0)  # it raises what fields, key and indexes raise together
        return made

    def to_json(self) -> dict[str, Any]:
        """The inverse of `parse`."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "schema": {
                "fields": [dict(field) for field in self.fields],
                "primaryKey": list(self.primary_key),
                "missingValues": list(self.missing_values),
            },
            "indexes": [list(index) for index in self.indexes],
            **({} if self.mode is WriteMode.APPEND else {"mode": self.mode}),
        }

    def dataset(self, number: int) -> Dataset:
        """The dataset with its table; `number` is that of the declaration. Raises `InvalidSchema`."""
        columns_of = {field["name"]: f"c{position}" for position, field in enumerate(self.fields, 1)}
        for what, names in (("primaryKey", self.primary_key), *(("an index", index) for index in self.indexes)):
            unknown = [name for name in names if name not in columns_of]
            require(not unknown, f"{what} names fields that there are not: {', '.join(unknown)}")
        kinds = {field["name"]: kind_of(field) for field in self.fields}
        limits = self._limits({name for name, kind in kinds.items() if kind.type is FieldType.TEXT})
        columns = []
        for field in self.fields:
            name, kind = field["name"], kinds[field["name"]]
            constraints = field.get("constraints", {})
            checks = (*kind.checks, *checks_of(name, kind.rule, constraints), *_short_enough(limits.get(name)))
            is_required = bool(constraints.get("required")) or name in self.primary_key
            description = str(field.get("description") or field.get("title") or "")
            columns.append(Column(name, columns_of[name], kind.rule, description, checks, required=is_required))
        listed = [name for name in {*self.primary_key, *sum(self.indexes, ())} if kinds[name].type is FieldType.TEXTS]
        require(not listed, f"a list cannot be in a key or an index: {', '.join(listed)}")
        table = Table(
            name=table_name(number),
            description=self.description,
            fields=tuple(
                Field(column.field, kinds[column.name].type, column.description, title=column.name)
                for column in columns
            ),
            key=tuple(columns_of[name] for name in self.primary_key),
            indexes=tuple(
                Index(f"i{position}", tuple(columns_of[name] for name in index))
                for position, index in enumerate(self.indexes, 1)
            ),
        )
        return Dataset(
            name=self.name,
            title=self.title,
            description=self.description,
            columns=tuple(columns),
            table=table,
            nulls=self.missing_values,
            mode=self.mode,
            declaration=number,
        )

    def _limits(self, texts: set[str]) -> dict[str, int]:
        """How many bytes the texts in keys and indexes may have."""
        limits: dict[str, int] = {}
        for index in (self.primary_key, *self.indexes):
            in_it = texts.intersection(index)
            for name in in_it:
                limits[name] = min(limits.get(name, _INDEX_BYTES), _INDEX_BYTES // len(in_it))
        return limits


def table_name(number: int) -> str:
    """The table of the declaration with this number."""
    return f"{TABLE_PREFIX}{number}"


def is_declared_table(name: str) -> bool:
    """Whether a table may be that of a declared dataset."""
    return re.fullmatch(rf"{TABLE_PREFIX}\d+", name, re.ASCII) is not None


@lru_cache(maxsize=1_000)
def stored_dataset(number: int, document: str) -> Dataset:
    """The dataset of a stored declaration, which is JSON; built once for each version."""
    return Declaration.parse(json.loads(document)).dataset(number)


def _fields(schema: Schema) -> tuple[Schema, ...]:
    refuse_others(schema, _SCHEMA_MEMBERS, "schema")
    fields = schema.get("fields")
    require(
        isinstance(fields, list)
        and all(isinstance(field, dict) for field in fields)
        and 0 < len(fields) <= MOST_FIELDS,
        f"fields must list 1 to {MOST_FIELDS:,} objects",
    )
    assert isinstance(fields, list)
    seen: dict[str, str] = {}
    for position, field in enumerate(fields, 1):
        name = field.get("name")
        require(
            isinstance(name, str) and bool(normalised(name)) and len(name) <= _LONGEST_NAME,
            f"each field must have a name of up to {_LONGEST_NAME:,} characters",
        )
        earlier = seen.setdefault(normalised(name), name)
        require(len(seen) == position, f"two fields have names that headers do not tell apart: {earlier} and {name}")
    return tuple(fields)


def _key(schema: Schema) -> tuple[str, ...]:
    key = schema.get("primaryKey", [])
    names = [key] if isinstance(key, str) else key
    unique = [
        field["name"]
        for field in schema["fields"]
        if isinstance(field.get("constraints"), dict) and field["constraints"].get("unique")
    ]
    if unique and not names:
        names = unique[:1]
    require(_are_names(names, MOST_INDEX_FIELDS), f"primaryKey must be a name or up to {MOST_INDEX_FIELDS} names")
    others = [name for name in unique if list(names) != [name]]
    require(not others, f"only one field may be unique, and it is the primaryKey: {', '.join(others)}")
    return tuple(names)


def _words(schema: Schema) -> tuple[str, ...]:
    words = schema.get("missingValues", [""])
    require(are_words(words, _MOST_WORDS), f"missingValues must be a list of at most {_MOST_WORDS} texts")
    return tuple(words)


def _mode(document: Schema) -> WriteMode:
    mode = document.get("mode", WriteMode.APPEND)
    require(mode in list(WriteMode), f"mode must be one of {', '.join(WriteMode)}")
    return WriteMode(mode)


def _indexes(document: Schema) -> tuple[tuple[str, ...], ...]:
    given = document.get("indexes", [])
    require(isinstance(given, list) and len(given) <= MOST_INDEXES, f"indexes must list at most {MOST_INDEXES} indexes")
    indexes = [[index] if isinstance(index, str) else index for index in given]
    for index in indexes:
        require(
            bool(index) and _are_names(index, MOST_INDEX_FIELDS),
            f"an index must be a name or 1 to {MOST_INDEX_FIELDS} names, each once",
        )
    return tuple(dict.fromkeys(tuple(index) for index in indexes))


def _are_names(names: Any, most: int) -> bool:
    return isinstance(names, Sequence) and are_words(names, most) and len(set(names)) == len(names)


def _short_enough(most: int | None) -> tuple[MostBytes, ...]:
    if most is None:
        return ()
    return (
        MostBytes(code="too_long_for_index", message=f"must have at most {most:,} bytes: it is in an index", most=most),
    )


def _text(document: Schema, name: str) -> str:
    value = document.get(name, "")
    require(isinstance(value, str) and len(value) <= _LONGEST_TEXT, f"{name} must be a text")
    return str(value)
