"""How the intake of an upload judges a header: by the datasets of the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.catalog.recognition import Candidate, Sample, unique_names, with_schema
from shared.catalog.registry import MOST_COLUMNS, Registry
from shared.catalog.table_schema import TableSchema
from shared.csv.dialect import Dialect
from shared.csv.unreadable import AmbiguousDataset, HeaderMismatch
from shared.ingest.rejects_columns import REJECT_COLUMNS, SHEET_COLUMNS


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """Matches the header of an upload. A `csv.sniff.HeaderMatcher`.

    `dataset`, which must exist, allows only that dataset. `mapping`: name in the header -> name of a column. `schema`:
    how its values are written.
    """

    registry: Registry
    dataset: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    schema: TableSchema = field(default_factory=TableSchema)
    most_columns: int = MOST_COLUMNS

    def names(self, header: Sequence[str]) -> list[str]:
        """See `unique_names`."""
        return unique_names(header)

    def match(self, header: Sequence[str]) -> Candidate:
        """The nearest dataset; raises `HeaderMismatch`, also for a file of rejects, which is sent as a correction."""
        if set(REJECT_COLUMNS) <= set(header) or set(SHEET_COLUMNS) <= set(header):
            raise HeaderMismatch("these are rejects of an upload; send them to /uploads/{id}/rejects of that upload")
        try:
            return self.registry.recognise(header, self.dataset, mapping=self.mapping)
        except AmbiguousDataset:  # the records may show which it is
            return self.registry.candidates(header, name=self.dataset, mapping=self.mapping)[0]

    def decide(self, header: Sequence[str], rows: Sample) -> Candidate:
        """The dataset, and how its values are written.

        Raises `HeaderMismatch`, `AmbiguousDataset`, `AmbiguousFormat` and `InvalidSchema`.
        """
        found = self.registry.recognise(header, self.dataset, rows, self.mapping)
        return with_schema(found, self.schema, header, rows)

    def without_header(self, rows: Sample) -> Sequence[str] | None:
        """See `Registry.without_header`."""
        return self.registry.without_header(rows)

    def distance(self, header: Sequence[str]) -> float:
        """How far the header is from the nearest dataset, 0 to 1."""
        return 1 - self.registry.candidates(header, name=self.dataset)[0].closeness

    def dialect_of(self, _header: Sequence[str], dialect: Dialect) -> Dialect:
        """The given dialect: the header of an upload declares none."""
        return dialect
