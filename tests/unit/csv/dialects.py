"""The dialects that most files have."""

from typing import Final

from shared.csv.dialect import Dialect

CSV: Final = Dialect(delimiter=",", quoting=True)
# IMDb's own files: a quote is a character like any other.
TSV: Final = Dialect(delimiter="\t", quoting=False, nulls=("\\N", ""))
