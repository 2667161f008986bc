"""What people write of a movie: the fields of its table, in plain notation."""

from typing import Any, Final

from pydantic import GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.catalog.dataset import Column
from shared.catalog.datasets.manual import DATASET as MANUAL

_TYPES: Final[dict[str, dict[str, Any]]] = {
    "integer": {"type": "integer"},
    "year": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "text": {"type": "string"},
    "list of text": {"type": "array", "items": {"type": "string"}},
}
_EXAMPLE: Final = {
    "title": "Metropolis",
    "original_language": "de",
    "release_date": "1927-01-10",
    "runtime": 153,
    "genres": ["Drama", "Sci-Fi"],
}


class MovieChanges(RootModel[dict[str, Any]]):
    """The fields of a movie that change (RFC 7396): null clears a field, and what is not named stays.

    The rules of the movie's dataset judge the values, as they judge those of a file.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The fields, which only the dataset judges."""
        return handler(schema) | {
            "properties": {column.field: _schema_of(column) for column in MANUAL.columns},
            "additionalProperties": False,
            "example": {"runtime": 153, "homepage": None},
        }


class NewMovie(MovieChanges):
    """A movie: only its title is required, unless its dataset needs more."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The same fields, and the dataset."""
        found = super().__get_pydantic_json_schema__(schema, handler)
        dataset = {
            "type": "string",
            "default": MANUAL.name,
            "description": "The dataset that the movie is to belong to: one whose table is `movies`.",
        }
        properties = {"dataset": dataset} | found["properties"]
        properties["title"] = {"type": "string", "minLength": 1, "description": properties["title"]["description"]}
        return found | {"properties": properties, "required": ["title"], "example": _EXAMPLE}


def _schema_of(column: Column) -> dict[str, Any]:
    return {"anyOf": [_TYPES[column.rule.name], {"type": "null"}], "description": column.description}
