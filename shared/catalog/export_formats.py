"""The formats in which all rows of a listing can be had as one file."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """A format by the ending of its files. `ARROW`: the stream of record batches, not Feather's file."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"
