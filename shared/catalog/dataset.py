"""What a dataset is: the columns of a file, each with its rule and its checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa

from shared.catalog.checks import Check, NotBefore
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.table import Table
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.write_mode import WriteMode
from shared.csv.invisible import without_invisible


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: `name` as in its header, `field` of the dataset's table for its values.

    `rule` turns the text into a value, and `checks` judge the value. A file may lack the column unless it is
    `required`; then all of its values are null. A cell may be null unless the column is `required` or `is_key`, which
    is what identifies the record in its source. `aliases` are other names that headers use for it. A column of the file
    that feeds two fields is declared twice, with different fields and rules. `is_kept`: its text is also kept in
    `extra`, because the field holds only a part of it.
    """

    name: str
    field: str
    rule: Rule
    description: str
    checks: tuple[Check, ...] = ()
    required: bool = False
    is_key: bool = False
    aliases: tuple[str, ...] = ()
    is_kept: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether a record may lack the value."""
        return not (self.required or self.is_key)


@dataclass(frozen=True)
class FileColumns:
    """Which columns of a file feed a dataset.

    `mapped`: name in the header -> name of the dataset's column. `missing`: columns of the dataset that the file lacks.
    `extra`: names of the header that feed no column; their text is kept in `extra`.
    """

    mapped: dict[str, str]
    missing: list[str]
    extra: list[str]

    @property
    def sources(self) -> dict[str, str]:
        """Name of the dataset's column -> name in the header."""
        return {column: name for name, column in self.mapped.items()}

    def to_json(self) -> dict[str, Any]:
        """For the `uploads` row."""
        return asdict(self)


@dataclass(frozen=True)
class Dataset:
    """One kind of file.

    A header needs the `required` columns only. Names that the dataset does not declare are kept in `extra`;
    `signature_columns` are such names that distinguish its files from similar ones, `other_columns` are others that its
    files have. `positional` are the names of the columns of files without a header. `nulls` are the cell texts that
    mean null. `quoting`: whether the publisher wraps cells in quotes, for files that do not show it. `is_general`: it
    is for files of many publishers, so a column whose values contradict its rule is not taken for it. `generic_names`
    are names in a header that tables of anything have (`id`), so they do not show that it is one of this dataset.
    `derive` computes further fields from those of the file. `table` is where its rows land. `mode`: what a file does to
    the rows before it, unless the client says otherwise. `is_hand_made`: its records come one by one, so no file is
    recognised as one of it. `declaration` is the number of a dataset that a tenant has declared; None for those that
    are built in. `publisher` has given out the ids in its files.
    """

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    table: Table = MOVIES
    signature_columns: tuple[str, ...] = ()
    other_columns: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ("",)
    quoting: bool = True
    is_general: bool = False
    generic_names: tuple[str, ...] = ()
    row_checks: tuple[NotBefore, ...] = ()
    derive: Callable[[dict[str, pa.Array]], dict[str, pa.Array]] = lambda _fields: {}
    mode: WriteMode = WriteMode.APPEND
    is_hand_made: bool = False
    declaration: int | None = None
    publisher: Publisher | None = None

    @cached_property
    def column_names(self) -> list[str]:
        """Each name once, although two columns may read the same column of the file."""
        return list(dict.fromkeys(column.name for column in self.columns))

    @cached_property
    def required_names(self) -> list[str]:
        """Names of the columns that a file cannot do without."""
        return list(dict.fromkeys(column.name for column in self.columns if column.required))

    def columns_of(self, header: Sequence[str], mapping: Mapping[str, str] | None = None) -> FileColumns:
        """Which columns of a file with this header feed the dataset.

        `mapping` (name in the header -> name of a column or field; "" for none) comes before what the names say. All
        names in it must exist, see `recognition.names.resolved`.
        """
        chosen = dict(mapping or {})
        mapped = {name: column for name, column in chosen.items() if column}
        names = {normalised(name): name for name in reversed(header) if name not in chosen}
        for column, spellings in self._spellings.items():
            if column not in mapped.values():
                found = next((names[spelling] for spelling in spellings if spelling in names), None)
                if found is not None:
                    mapped[found] = column
                    del names[normalised(found)]
        in_order = {name: mapped[name] for name in header if name in mapped}
        kept = {column.name for column in self.columns if column.is_kept}
        return FileColumns(
            mapped=in_order,
            missing=[name for name in self.column_names if name not in in_order.values()],
            extra=[name for name in header if name not in in_order or in_order[name] in kept],
        )

    def for_file(self, columns: FileColumns) -> "Dataset":
        """The dataset with only those of its columns that the file has."""
        found = tuple(column for column in self.columns if column.name in columns.mapped.values())
        if len(found) == len(self.columns):
            return self
        fields = {column.field for column in found}
        comparable = tuple(check for check in self.row_checks if {check.field, check.other} <= fields)
        return replace(self, columns=found, row_checks=comparable)

    @cached_property
    def signature_names(self) -> frozenset[str]:
        """The `signature_columns`, normalised."""
        return frozenset(map(normalised, self.signature_columns))

    @cached_property
    def other_names(self) -> frozenset[str]:
        """The `other_columns`, normalised."""
        return frozenset(map(normalised, self.other_columns))

    @cached_property
    def _spellings(self) -> dict[str, list[str]]:
        """For each column, the names that a header may have for it, normalised."""
        found: dict[str, list[str]] = {}
        for column in self.columns:
            found.setdefault(column.name, []).extend(map(normalised, (column.name, *column.aliases)))
        return found


@lru_cache(maxsize=4096)
def normalised(name: str) -> str:
    """A header name in a form that ignores case, underscores and what cannot be seen."""
    return "".join(without_invisible(name).split()).replace("_", "").casefold()
