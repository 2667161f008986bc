"""The first records of a file: they show what it is."""

from collections.abc import Sequence

# Record by record, cell by cell.
Sample = Sequence[Sequence[str]]
