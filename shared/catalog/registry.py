"""The known datasets, and which of them a header belongs to.

A process builds its `Registry` at its entry point and passes it on. No module keeps a copy of the datasets when it is
imported, because datasets may come and go while a process runs.
"""

import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Final, Self

from shared.catalog import datasets as built_in
from shared.catalog.dataset import Column, Dataset, normalised
from shared.csv.unreadable import HeaderMismatch
from shared.errors import DatasetGone

MOST_COLUMNS: Final = 1_000
_SHOWN_NAMES: Final = 100
_SHOWN_CHARACTERS: Final = 100


class Registry:
    """The datasets that a process knows, by name."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._datasets = {dataset.name: dataset for dataset in datasets}

    @classmethod
    def built_in(cls) -> Self:
        """Collects the `DATASET` of every module in `shared.catalog.datasets`: a new dataset is a new module there."""
        modules = pkgutil.iter_modules(built_in.__path__, f"{built_in.__name__}.")
        return cls(import_module(module.name).DATASET for module in modules)

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self._datasets.values())

    def __contains__(self, name: object) -> bool:
        return name in self._datasets

    @property
    def names(self) -> list[str]:
        """The names in alphabetical order."""
        return sorted(self._datasets)

    @property
    def columns(self) -> Iterator[Column]:
        """The columns of all datasets."""
        return (column for dataset in self for column in dataset.columns)

    def get(self, name: str) -> Dataset:
        """The dataset of this name; raises `DatasetGone`."""
        if name not in self._datasets:
            raise DatasetGone(f"the dataset {name} no longer exists; upload the file again as another dataset")
        return self._datasets[name]

    def recognise(self, header: Sequence[str], name: str | None = None) -> Dataset:
        """The dataset whose columns are all in the header; `name`, which must exist, allows only that dataset.

        Raises `HeaderMismatch`, which says what the header lacks of the nearest dataset, and what it has.
        """
        if len(header) > MOST_COLUMNS:
            raise HeaderMismatch(f"the header has {len(header):,} columns; at most {MOST_COLUMNS:,} are allowed")
        candidates = self._candidates(name)
        nearest = min(candidates, key=lambda dataset: _distance(dataset, header))
        _require_columns(header, nearest, candidates)
        _require_names(header)
        return nearest

    def distance(self, header: Sequence[str], name: str | None = None) -> float:
        """How far a header is from the nearest dataset, or from the named one: 0 (no column is missing) to 1."""
        return min(_distance(dataset, header)[0] for dataset in self._candidates(name))

    def _candidates(self, name: str | None) -> list[Dataset]:
        return [self.get(name)] if name else list(self)


def _require_columns(header: Sequence[str], nearest: Dataset, candidates: Sequence[Dataset]) -> None:
    found = [name[:_SHOWN_CHARACTERS] for name in header[:_SHOWN_NAMES]]
    if not nearest.match(header):
        known = [dataset.name for dataset in candidates]
        raise HeaderMismatch("the header has no column of any dataset", {"datasets": known, "found": found})
    missing = nearest.missing_columns(header)
    if missing:
        raise HeaderMismatch(
            f"the header fits no dataset; it lacks columns of the nearest, {nearest.name}: {', '.join(missing)}",
            {"dataset": nearest.name, "missing": missing, "found": found},
        )


def _require_names(header: Sequence[str]) -> None:
    """Raise `HeaderMismatch` unless each column has a name of its own."""
    blank = [position for position, name in enumerate(header, 1) if not name]
    if blank:
        raise HeaderMismatch(f"column {blank[0]} of the header has no name", {"blank": blank[:_SHOWN_NAMES]})
    counts = Counter(normalised(name) for name in header)
    repeated = sorted({name for name in header if counts[normalised(name)] > 1})
    if repeated:
        raise HeaderMismatch(
            f"the header names a column twice: {', '.join(repeated)}", {"repeated": repeated[:_SHOWN_NAMES]}
        )


def _distance(dataset: Dataset, header: Sequence[str]) -> tuple[float, int]:
    """The share of the dataset's columns that are missing. If none is, the dataset with the most columns is nearest."""
    columns = len(dataset.column_names) + len(dataset.signature_columns)
    return len(dataset.missing_columns(header)) / columns, -columns
