"""How the intake of a file judges a header: the datasets of the registry decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog.dataset import Dataset
from shared.catalog.registry import MOST_COLUMNS, Registry
from shared.csv.dialect import Dialect
from shared.csv.unreadable import HeaderMismatch
from shared.ingest.rejects_columns import REJECT_COLUMNS, SHEET_COLUMNS


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """Matches the header of an upload; `dataset`, which must exist, allows only that one. A `csv.sniff.HeaderMatcher`."""

    registry: Registry
    dataset: str | None = None
    most_columns: int = MOST_COLUMNS

    def match(self, header: Sequence[str]) -> Dataset:
        """The dataset; raises `HeaderMismatch`, also for rejects of an upload, which are no upload."""
        if set(REJECT_COLUMNS) <= set(header) or set(SHEET_COLUMNS) <= set(header):
            raise HeaderMismatch("these are rejects of an upload; send them to its address /uploads/{id}/rejects")
        return self.registry.recognise(header, self.dataset)

    def distance(self, header: Sequence[str]) -> float:
        """See `Registry.distance`."""
        return self.registry.distance(header, self.dataset)

    def dialect_of(self, _header: Sequence[str], dialect: Dialect) -> Dialect:
        """The given one: a header of an upload says nothing about its dialect."""
        return dialect
