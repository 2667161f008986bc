"""What an upload does to the rows that its dataset has already."""

from enum import StrEnum


class WriteMode(StrEnum):
    """`append` adds rows to them, `replace` takes the place of all of them, `upsert` of those with its keys."""

    APPEND = "append"
    REPLACE = "replace"
    UPSERT = "upsert"
