"""What a dataset is: the columns of a file, each with its rule and its checks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from shared.catalog.checks import Check, NotBefore
from shared.catalog.rules import Rule
from shared.csv.invisible import without_invisible


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: `name` as in its header, `field` of the `movies` table for its values.

    `rule` turns the text into a value, and `checks` judge the value. Null is allowed unless the column is `required`.
    `aliases` are other names that headers use for it. A column of the file that feeds two fields is declared twice,
    with different fields and rules. `is_kept`: its text is also kept in `movies.extra`, because the field holds only a
    part of it.
    """

    name: str
    field: str
    rule: Rule
    description: str
    checks: tuple[Check, ...] = ()
    required: bool = False
    aliases: tuple[str, ...] = ()
    is_kept: bool = False


@dataclass(frozen=True)
class Dataset:
    """One kind of file.

    Its header must have all columns, and the `signature_columns` that distinguish it from similar files. Other columns
    of the file are kept in `movies.extra`. `nulls` are the cell texts that mean null. `quoting`: whether the publisher
    wraps cells in quotes, for files that do not show it. `derive` computes further fields from those of the file.
    """

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    signature_columns: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ("",)
    quoting: bool = True
    row_checks: tuple[NotBefore, ...] = ()
    derive: Callable[[dict[str, pa.Array]], dict[str, pa.Array]] = lambda _fields: {}

    @property
    def column_names(self) -> list[str]:
        """Each name once, although two columns may read the same column of the file."""
        return list(dict.fromkeys(column.name for column in self.columns))

    def match(self, header: Sequence[str]) -> dict[str, str]:
        """Maps each column of the dataset that the header has to the header's name for it."""
        names = {normalised(name): name for name in reversed(header)}
        matched = {}
        for column in self.columns:
            found = [names[name] for name in map(normalised, (column.name, *column.aliases)) if name in names]
            if found:
                matched[column.name] = found[0]
        return matched

    def missing_columns(self, header: Sequence[str]) -> list[str]:
        """Names of the dataset's columns that the header lacks."""
        matched = self.match(header)
        found = {normalised(name) for name in header}
        missing_signature = [name for name in self.signature_columns if normalised(name) not in found]
        return [name for name in self.column_names if name not in matched] + missing_signature

    def extra_columns(self, header: Sequence[str]) -> list[str]:
        """The header's names whose text goes into `movies.extra`."""
        matched = self.match(header)
        read = set(matched.values()) - {matched[column.name] for column in self.columns if column.is_kept}
        return [name for name in header if name not in read]

    def describe(self) -> dict[str, Any]:
        """A description for people: each column with what it may hold, as its rule and checks declare it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "nulls": list(self.nulls),
            "columns": [self._describe(column) for column in self.columns],
            "row_rules": [{"code": rule.code, "message": rule.message} for rule in self.row_checks],
        }

    def _describe(self, column: Column) -> dict[str, Any]:
        return {
            "name": column.name,
            "aliases": list(column.aliases),
            "field": column.field,
            "description": column.description,
            "type": column.rule.name,
            "required": column.required,
            "rules": [
                {"code": column.rule.code, "message": column.rule.message},
                *({"code": check.code, "message": check.message} for check in column.checks),
            ],
        }


@lru_cache(maxsize=4096)
def normalised(name: str) -> str:
    """A header name in a form that ignores case, underscores and what cannot be seen."""
    return "".join(without_invisible(name).split()).replace("_", "").casefold()
