"""How a file's text is cut into cells."""

from dataclasses import asdict, dataclass
from typing import Any

QUOTE = b'"'


@dataclass(frozen=True, slots=True)
class Dialect:
    """`quoting`: cells may be wrapped in double quotes (RFC 4180); `null` is the cell text that means null."""

    delimiter: str
    quoting: bool
    null: str

    def to_json(self) -> dict[str, Any]:
        """For the `uploads` row."""
        return asdict(self)


CSV = Dialect(delimiter=",", quoting=True, null="")
# IMDb's own files: a quote is a character like any other, null is \N and an empty cell is an empty text.
TSV = Dialect(delimiter="\t", quoting=False, null="\\N")


def dialect_of(filename: str) -> Dialect:
    """By the file's name: `.tsv` and `.tsv.gz` are tab-separated without quoting, all else is CSV."""
    return TSV if filename.lower().removesuffix(".gz").endswith(".tsv") else CSV
