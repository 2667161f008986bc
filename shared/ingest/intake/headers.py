"""How the intake of an upload judges a header: by the datasets of the registry."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog.dataset import Dataset
from shared.catalog.registry import MOST_COLUMNS, Registry
from shared.csv.dialect import Dialect
from shared.csv.unreadable import HeaderMismatch
from shared.ingest.rejects_columns import REJECT_COLUMNS, SHEET_COLUMNS


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """Matches the header of an upload. A `csv.sniff.HeaderMatcher`.

    `dataset`, which must exist, allows only that dataset.
    """

    registry: Registry
    dataset: str | None = None
    most_columns: int = MOST_COLUMNS

    def match(self, header: Sequence[str]) -> Dataset:
        """The dataset; raises `HeaderMismatch`, also for a file of rejects, which must be sent as a correction."""
        if set(REJECT_COLUMNS) <= set(header) or set(SHEET_COLUMNS) <= set(header):
            raise HeaderMismatch("these are rejects of an upload; send them to /uploads/{id}/rejects of that upload")
        return self.registry.recognise(header, self.dataset)

    def distance(self, header: Sequence[str]) -> float:
        """See `Registry.distance`."""
        return self.registry.distance(header, self.dataset)

    def dialect_of(self, _header: Sequence[str], dialect: Dialect) -> Dialect:
        """The given dialect: the header of an upload declares none."""
        return dialect
