"""How the client says which columns its file has, and how their values are written."""

import csv
import json
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.http_errors import InvalidMapping
from shared.catalog.registry import MOST_COLUMNS
from shared.catalog.schemas.members import storable
from shared.catalog.schemas.table_schema import TableSchema

_NO_HEADER = "none"


@dataclass(frozen=True)
class TableParameters:
    """Query parameters of every upload."""

    mapping: Annotated[
        str | None,
        Query(
            max_length=10_000,
            description="A JSON object: a name in the file's header -> a column of the dataset, or one of its fields;"
            " null: none. Other names decide for themselves.",
            examples=['{"movie_title": "title"}'],
        ),
    ] = None
    schema: Annotated[
        str | None,
        Query(
            max_length=10_000,
            description="A Table Schema (Frictionless) as JSON, with only what differs: for each field `format`,"
            " `decimalChar`, `groupChar`, `bareNumber` and `constraints`; `missingValues` for all; `dateFormat` for all"
            " dates.",
            examples=['{"fields": [{"name": "release_date", "format": "%d/%m/%Y"}], "missingValues": ["", "NULL"]}'],
        ),
    ] = None
    header: Annotated[
        str | None,
        Query(
            max_length=10_000,
            description="For a file without a header: the names of its columns, separated by commas; `none`: they are"
            " called column_1, column_2 and so on. By default the first lines decide.",
            examples=["movieId,title,genres"],
        ),
    ] = None

    @property
    def column_mapping(self) -> dict[str, str]:
        """Name in the header -> name of a column; "" for none. Raises `InvalidMapping`."""
        if self.mapping is None:
            return {}
        try:
            mapping = storable(json.loads(self.mapping))
        except (ValueError, RecursionError) as error:
            raise InvalidMapping('mapping must be a JSON object like {"movie_title": "title"}.') from error
        if not isinstance(mapping, dict) or not all(isinstance(name, str | None) for name in mapping.values()):
            raise InvalidMapping('mapping must be a JSON object like {"movie_title": "title"}.')
        chosen = [name for name in mapping.values() if name]
        repeated = sorted({name for name in chosen if chosen.count(name) > 1})
        if repeated:
            raise InvalidMapping(f"mapping maps two columns to one: {', '.join(repeated)}.")
        return {name: column or "" for name, column in mapping.items()}

    @property
    def table_schema(self) -> TableSchema:
        """How the values are written; raises `InvalidSchema`."""
        return TableSchema() if self.schema is None else TableSchema.parse(self.schema)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the columns of a file without a header; () if they are not known, None if it has one.

        Raises `InvalidMapping`.
        """
        if self.header is None:
            return None
        if self.header.strip().casefold() == _NO_HEADER:
            return ()
        [names] = csv.reader([self.header]) if "\n" not in self.header else [[]]
        if not names or len(names) > MOST_COLUMNS:
            raise InvalidMapping(f"header must be `none`, or 1 to {MOST_COLUMNS:,} names separated by commas.")
        return tuple(name.strip() for name in names)
