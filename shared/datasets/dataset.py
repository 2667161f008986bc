"""What a dataset is: the columns of a file, with the rule and the checks of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from shared.datasets.checks import Check, NotBefore
from shared.datasets.rules import Rule


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: `name` as in its header, `field` of the `movies` table where its values go.

    `rule` makes a value of the text, `checks` judge the value; null is allowed unless it is `required`.
    """

    name: str
    field: str
    rule: Rule
    description: str
    checks: tuple[Check, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Dataset:
    """One kind of file. All its columns must be in the header; others are kept in `movies.extra`.

    `derive` computes fields that the file does not hold from those that it does.
    """

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    row_checks: tuple[NotBefore, ...] = ()
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
            "row_rules": [{"code": rule.code, "message": rule.message} for rule in self.row_checks],
        }

    def _describe(self, column: Column) -> dict[str, Any]:
        return {
            "name": column.name,
            "field": column.field,
            "description": column.description,
            "type": column.rule.name,
            "required": column.required,
            "rules": [
                {"code": column.rule.code, "message": column.rule.message},
                *({"code": check.code, "message": check.message} for check in column.checks),
            ],
        }


def normalised(name: str) -> str:
    """A header name without regard to case, spaces and underscores."""
    return "".join(name.split()).replace("_", "").casefold()
