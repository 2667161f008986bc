"""How the intake of an upload judges a header: by the datasets of the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.catalog.recognition.candidate import Candidate
from shared.catalog.recognition.dates import with_schema
from shared.catalog.recognition.names import unique_names
from shared.catalog.registry import MOST_COLUMNS, Registry
from shared.catalog.sample import Sample
from shared.catalog.schemas.inference import edited, inferred
from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.sniffing.shape import can_be_header, shape_of
from shared.csv.sniffing.sniff import HeaderMatcher, TextOptions
from shared.csv.unreadable import AmbiguousDataset, HeaderMismatch
from shared.ingest.rejects_columns import REJECT_COLUMNS, SHEET_COLUMNS

# The registration gives an inferred dataset its name and its number.
_UNNAMED: Final = "inferred"
_UNDECLARED: Final = 0


@dataclass(frozen=True)
class UploadHeader(HeaderMatcher):
    """Matches the header of an upload.

    `dataset`, which must exist, allows only that dataset. `mapping`: name in the header -> name of a column. `schema`:
    how its values are written. `may_infer`: a file of none of the datasets gets one of its own.
    """

    registry: Registry
    dataset: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    schema: TableSchema = field(default_factory=TableSchema)
    may_infer: bool = False
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
        if self.may_infer and found.dataset.declaration is not None and found.contradicted:
            raise HeaderMismatch(f"the values are not those of {found.name}: {', '.join(found.contradicted)}")
        return with_schema(found, self.schema, header, rows)

    def without_header(self, rows: Sample) -> Sequence[str] | None:
        """See `Registry.without_header`."""
        return self.registry.without_header(rows)

    def otherwise(self, text: bytes, options: TextOptions) -> "tuple[TextOptions, InferredHeader] | None":
        """A table of any shape, if it may get a dataset of its own."""
        return _of_any_shape(text, options, self.schema) if self.may_infer else None

    def distance(self, header: Sequence[str]) -> float:
        """How far the header is from the nearest dataset, 0 to 1."""
        return 1 - self.registry.candidates(header, name=self.dataset)[0].closeness


@dataclass(frozen=True)
class InferredHeader(HeaderMatcher):
    """Matches the header of a table of so many columns of which nothing is known.

    `schema`: what the client says of its fields, which counts more than what the records show.
    """

    width: int
    schema: TableSchema = field(default_factory=TableSchema)
    most_columns: int = MOST_COLUMNS

    def names(self, header: Sequence[str]) -> list[str]:
        """See `unique_names`; there is one for each column, too, if the header has less."""
        return unique_names([*header, *[""] * (self.width - len(header))])

    def match(self, header: Sequence[str]) -> Candidate:
        """A dataset of texts; raises `HeaderMismatch`."""
        if not can_be_header(len(header), self.width) or max(len(header), self.width) > MOST_COLUMNS:
            raise HeaderMismatch(f"the line has {len(header):,} names, and most records have {self.width:,} fields")
        return self.decide(self.names(header), ())

    def decide(self, header: Sequence[str], rows: Sample) -> Candidate:
        """The dataset that the records show."""
        declaration = edited(inferred(_UNNAMED, header, rows), self.schema)
        dataset = declaration.dataset(_UNDECLARED)
        columns = dataset.columns_of(header)
        return Candidate(
            dataset, columns, [], [], 1.0, has_enough=True, share=1.0, inferred=declaration, seen_records=len(rows)
        )

    def distance(self, header: Sequence[str]) -> float:
        """How far the header is from one of such a table: 0 or 1."""
        return float(not can_be_header(len(header), self.width))


@dataclass(frozen=True)
class UnknownHeader(HeaderMatcher):
    """Matches no header, so that the file is read as a table of any shape."""

    schema: TableSchema = field(default_factory=TableSchema)
    most_columns: int = MOST_COLUMNS

    def names(self, header: Sequence[str]) -> list[str]:
        """See `unique_names`."""
        return unique_names(header)

    def match(self, header: Sequence[str]) -> Candidate:
        """Raises `HeaderMismatch`."""
        raise HeaderMismatch(f"the header of {len(header):,} names is not compared with any dataset")

    def decide(self, header: Sequence[str], _rows: Sample) -> Candidate:
        """Raises `HeaderMismatch`."""
        return self.match(header)

    def otherwise(self, text: bytes, options: TextOptions) -> tuple[TextOptions, InferredHeader]:
        """The table of any shape."""
        return _of_any_shape(text, options, self.schema)

    def distance(self, _header: Sequence[str]) -> float:
        """1: nothing is near."""
        return 1.0


def _of_any_shape(text: bytes, options: TextOptions, schema: TableSchema) -> tuple[TextOptions, InferredHeader]:
    shape = shape_of(text, options.delimiter, options.quoting)
    options = replace(options, delimiter=shape.delimiter)
    if not shape.has_header and options.header is None:
        options = replace(options, header=())
    return options, InferredHeader(shape.width, schema)
