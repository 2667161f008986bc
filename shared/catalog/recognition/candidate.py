"""A dataset that is compared with a file, and what they have in common."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from shared.catalog.dataset import Dataset, FileColumns
from shared.catalog.schemas.declaration import Declaration
from shared.catalog.schemas.table_schema import TableSchema

SHOWN_NAMES: Final = 100
SHOWN_CHARACTERS: Final = 100


@dataclass(frozen=True)
class Candidate:
    """A dataset that a file may belong to.

    `lacks`: required columns that the header does not have. `contradicted`: names in the header whose values do not
    look like those of the dataset. `left_out`: such names of a general dataset, which are not read as its columns.
    `small_ratings`: the name of ratings that may be of another scale than the dataset's.
    `closeness`: the score, although the file may have too little in common with it. `share`: how much of the dataset
    the header has, 0 to 1. `inferred`: the dataset is made for this file and not declared yet; `seen_records` have
    shown its types.
    """

    dataset: Dataset
    columns: FileColumns
    lacks: list[str]
    contradicted: list[str]
    closeness: float
    has_enough: bool
    share: float
    left_out: dict[str, str] = field(default_factory=dict)
    small_ratings: list[str] = field(default_factory=list)
    schema: TableSchema = field(default_factory=TableSchema)
    inferred: Declaration | None = None
    seen_records: int = 0

    @property
    def score(self) -> float:
        """How well the file fits, 0 to 1."""
        return self.closeness if self.has_enough else 0.0

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.dataset.name

    @property
    def nulls(self) -> tuple[str, ...]:
        """Cell texts that mean null."""
        return self.dataset.nulls if self.schema.missing_values is None else self.schema.missing_values

    @property
    def quoting(self) -> bool:
        """Whether the publisher of such files wraps cells in quotes."""
        return self.dataset.quoting

    @property
    def is_possible(self) -> bool:
        """Whether it has what a record needs, and enough in common with the file."""
        return not self.lacks and self.score > 0

    def describe(self) -> dict[str, Any]:
        """For the client that must choose."""
        return {
            "dataset": self.dataset.name,
            "score": round(self.closeness, 2),
            "mapping": {name[:SHOWN_CHARACTERS]: column for name, column in _first(self.columns.mapped.items())},
            "lacks": self.lacks,
            "contradicted": [name[:SHOWN_CHARACTERS] for name in self.contradicted],
        }

    @property
    def outcome(self) -> Any:
        """What decides how the file is loaded."""
        sources = self.columns.sources
        loaded = [
            (sources[column.name], column.field, column.rule.name, type(column.rule), column.checks, column.is_nullable)
            for column in self.dataset.columns
            if column.name in sources
        ]
        return sorted(map(repr, loaded)), self.dataset.nulls, self.dataset.table.name

    def loads_like(self, other: "Candidate") -> bool:
        """Whether both would make the same rows and rejects of the file."""
        return bool(self.outcome == other.outcome)


def _first(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(items)[:SHOWN_NAMES]
