"""What a client says about the values of its file: a partial Table Schema (Frictionless), with only what differs.

    {"fields": [{"name": "release_date", "format": "%d/%m/%Y"}, {"name": "budget", "groupChar": "."}],
     "missingValues": ["", "NULL"]}

`name` is a name in the file's header, or of the dataset's column. The same notation is stored with the upload, together
with the formats that its first records show.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from shared.catalog.dataset import Column, Dataset, FileColumns, normalised
from shared.catalog.rules.basic_rules import Decimal, IsoDate, Rule, Whole
from shared.catalog.rules.formatted_rules import Day, Number, WholeNumber
from shared.catalog.schemas.constraints import checks_of
from shared.catalog.schemas.members import are_words, refuse_others, require, storable
from shared.errors import InvalidSchema

_NUMBER_MEMBERS: Final = ("decimalChar", "groupChar", "bareNumber")
_FIELD_MEMBERS: Final = frozenset(("name", "type", "title", "description", "format", "constraints", *_NUMBER_MEMBERS))
_SCHEMA_MEMBERS: Final = frozenset(("fields", "missingValues", "dateFormat"))
_MOST_WORDS: Final = 100


@dataclass(frozen=True)
class TableSchema:
    """`fields`: by the name that they give; `missing_values`: the cell texts that mean null, None: the dataset's own;
    `date_format`: of all date columns without a format of their own.
    """

    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    missing_values: tuple[str, ...] | None = None
    date_format: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From JSON; raises `InvalidSchema`."""
        try:
            return cls.from_json(storable(json.loads(text)))
        except (ValueError, RecursionError) as error:
            raise InvalidSchema("schema must be a JSON object: a Table Schema with only what differs") from error

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The inverse of `to_json`; raises `InvalidSchema`."""
        require(isinstance(document, dict), "schema must be a JSON object: a Table Schema with only what differs")
        refuse_others(document, _SCHEMA_MEMBERS, "schema")
        fields, words = document.get("fields", []), document.get("missingValues")
        date_format = document.get("dateFormat")
        require(isinstance(fields, list) and all(isinstance(item, dict) for item in fields), "fields must be objects")
        require(
            words is None or are_words(words, _MOST_WORDS),
            f"missingValues must be a list of at most {_MOST_WORDS} texts",
        )
        require(date_format is None or isinstance(date_format, str), "dateFormat must be a text")
        for item in fields:
            require(isinstance(item.get("name"), str), "each field must have a name")
            refuse_others(item, _FIELD_MEMBERS, item["name"])
        return cls({item["name"]: item for item in fields}, None if words is None else tuple(words), date_format)

    @property
    def formats(self) -> set[str]:
        """All formats that it names."""
        named = [self.date_format, *(item.get("format") for item in self.fields.values())]
        return {format_ for format_ in named if isinstance(format_, str)}

    def to_json(self) -> dict[str, Any]:
        """As a Table Schema."""
        members = {
            "fields": [dict(item) for item in self.fields.values()],
            "missingValues": None if self.missing_values is None else list(self.missing_values),
            "dateFormat": self.date_format,
        }
        return {
            name: value for name, value in members.items() if value or (name == "missingValues" and value is not None)
        }

    def with_formats(self, formats: Mapping[str, str]) -> "TableSchema":
        """The schema with further formats, by name in the header."""
        added = {name: {**self.fields.get(name, {}), "name": name, "format": how} for name, how in formats.items()}
        return replace(self, fields={**self.fields, **added})

    def applied(self, dataset: Dataset, columns: FileColumns) -> Dataset:
        """The dataset as this file has it: its columns, with the rules and checks that the schema gives them.

        Raises `InvalidSchema` for what does not fit a column.
        """
        sources, found = columns.sources, dataset.for_file(columns)
        unknown = [name for name in self.fields if not any(_is_named(name, one, sources) for one in found.columns)]
        require(not unknown, f"schema has fields that feed no column: {', '.join(unknown)}")
        if not self.to_json():
            return found
        return replace(
            found,
            columns=tuple(self._column(column, sources) for column in found.columns),
            nulls=found.nulls if self.missing_values is None else self.missing_values,
        )

    def names_format_of(self, column: Column, sources: Mapping[str, str]) -> bool:
        """Whether it says how the dates of this column are written."""
        return self.date_format is not None or "format" in self._field(column, sources)

    def _field(self, column: Column, sources: Mapping[str, str]) -> Mapping[str, Any]:
        return next((item for name, item in self.fields.items() if _is_named(name, column, sources)), {})

    def _column(self, column: Column, sources: Mapping[str, str]) -> Column:
        described = self._field(column, sources)
        rule, constraints = _rule(column, described, self.date_format), described.get("constraints", {})
        checks = checks_of(column.name, rule, constraints)
        require("unique" not in constraints, f"{column.name}: only a declared dataset can have unique")
        return replace(
            column,
            rule=rule,
            checks=(*column.checks, *checks),
            is_key=column.is_key or bool(constraints.get("required")),
        )


def _is_named(name: str, column: Column, sources: Mapping[str, str]) -> bool:
    return column.name in sources and normalised(name) in map(normalised, (sources[column.name], column.name))


def _rule(column: Column, described: Mapping[str, Any], date_format: str | None) -> Rule:
    rule = column.rule
    try:
        if isinstance(rule, IsoDate):
            named = described.get("format", date_format)
            return rule if named in (None, "default") else Day(named)
        require("format" not in described, f"{column.name} is no date, so it has no format")
        numeric = {name: described[name] for name in _NUMBER_MEMBERS if name in described}
        if not numeric:
            return rule
        bare, group = bool(numeric.get("bareNumber", True)), numeric.get("groupChar", "")
        if type(rule) is Decimal or isinstance(rule, Number):
            return Number(numeric.get("decimalChar", "."), group, bare_number=bare)
        require(
            isinstance(rule, Whole) and rule.name == Whole.name,
            f"{column.name} takes no decimalChar, groupChar or bareNumber",
        )
        return WholeNumber(group, bare_number=bare)
    except (ValueError, TypeError) as error:
        raise InvalidSchema(f"{column.name}: {error}") from error
