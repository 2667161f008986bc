"""What a dataset is: the columns of a file, the rule of each, and a pandera schema for the typed values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandera.pandas as pandera
import pyarrow as pa

from shared.datasets.rules import Rule


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: `name` as in its header, `field` of the `movies` table where its values go."""

    name: str
    field: str
    rule: Rule
    description: str


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule over several columns of a row, blamed on the column `field`."""

    code: str
    message: str
    field: str


@dataclass(frozen=True)
class Dataset:
    """One kind of file. All its columns must be in the header; others are kept in `movies.extra`.

    `schema` checks the typed values; its column names are `field`s. `derive` computes fields that the file does not
    hold from those that it does.
    """

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    schema: pandera.DataFrameSchema
    row_rules: tuple[RowRule, ...] = ()
    derive: Callable[[dict[str, pa.Array]], dict[str, pa.Array]] = lambda _fields: {}

    def missing_columns(self, header: Sequence[str]) -> list[str]:
        """Names of the dataset's columns that the header lacks."""
        found = {normalised(name) for name in header}
        return [column.name for column in self.columns if normalised(column.name) not in found]

    def describe(self) -> dict[str, Any]:
        """For people: each column with what it may hold, as declared by rule and schema."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "columns": [self._describe(column) for column in self.columns],
            "row_rules": [{"code": rule.code, "message": rule.message} for rule in self.row_rules],
        }

    def _describe(self, column: Column) -> dict[str, Any]:
        checked = self.schema.columns.get(column.field)
        checks = checked.checks if checked is not None else []
        return {
            "name": column.name,
            "field": column.field,
            "description": column.description,
            "type": column.rule.name,
            "required": checked is not None and not checked.nullable,
            "rules": [
                {"code": column.rule.code, "message": column.rule.message},
                *({"code": check.name, "message": check.error} for check in checks),
            ],
        }


def normalised(name: str) -> str:
    """A header name without regard to case, spaces and underscores."""
    return "".join(name.split()).replace("_", "").casefold()
