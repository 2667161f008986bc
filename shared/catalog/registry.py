"""The known datasets, and which of them a header belongs to.

A process builds its `Registry` at its entry point and passes it on. No module keeps a copy of the datasets when it is
imported, because datasets may come and go while a process runs.
"""

import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Final, Self

from shared.catalog import datasets as built_in
from shared.catalog.dataset import Column, Dataset, normalised
from shared.catalog.recognition.candidate import Candidate
from shared.catalog.recognition.choice import best, candidates
from shared.catalog.recognition.names import resolved
from shared.catalog.recognition.values import is_filled
from shared.catalog.sample import Sample
from shared.catalog.table import Table
from shared.csv.unreadable import HeaderMismatch
from shared.errors import DatasetGone

MOST_COLUMNS: Final = 1_000
_SHOWN_NAMES: Final = 100


class Registry:
    """The datasets that a process knows, by name."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._datasets = {dataset.name: dataset for dataset in datasets}

    @classmethod
    def built_in(cls) -> Self:
        """Collects the `DATASET` of every module in `shared.catalog.datasets`: a new dataset is a new module there."""
        modules = pkgutil.iter_modules(built_in.__path__, f"{built_in.__name__}.")
        return cls(import_module(module.name).DATASET for module in modules)

    def with_declared(self, declared: Iterable[Dataset]) -> "Registry":
        """These datasets and those that a tenant has declared; of equal names these count."""
        return Registry([*declared, *self])

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self._datasets.values())

    def __contains__(self, name: object) -> bool:
        return name in self._datasets

    @property
    def names(self) -> list[str]:
        """The names in alphabetical order."""
        return sorted(self._datasets)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables that the rows of the datasets land in, by name."""
        return {dataset.table.name: dataset.table for dataset in self}

    @property
    def columns(self) -> Iterator[Column]:
        """The columns of all datasets."""
        return (column for dataset in self for column in dataset.columns)

    def find(self, name: str) -> Dataset | None:
        """The dataset of this name, if there is one."""
        return self._datasets.get(name)

    def get(self, name: str) -> Dataset:
        """The dataset of this name; raises `DatasetGone`."""
        if name not in self._datasets:
            raise DatasetGone(f"the dataset {name} no longer exists; upload the file again as another dataset")
        return self._datasets[name]

    def candidates(
        self,
        header: Sequence[str],
        sample: Sample = (),
        name: str | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> list[Candidate]:
        """The datasets that a file may belong to, the best one first; `name`, which must exist, allows only that one.

        Raises `HeaderMismatch` if the header is no header of any dataset, or if the mapping does not fit.
        """
        if len(header) > MOST_COLUMNS:
            raise HeaderMismatch(f"the header has {len(header):,} columns; at most {MOST_COLUMNS:,} are allowed")
        datasets = [self.get(name)] if name else [each for each in self if not each.is_hand_made]
        return candidates(_able(datasets, header, mapping or {}), header, sample, mapping)

    def recognise(
        self,
        header: Sequence[str],
        name: str | None = None,
        sample: Sample = (),
        mapping: Mapping[str, str] | None = None,
    ) -> Candidate:
        """The dataset of a file with this header and these first records.

        Raises `HeaderMismatch` and `AmbiguousDataset`, which say what is nearest, what it lacks and what was found.
        """
        found = best(self.candidates(header, sample, name, mapping), header, is_chosen=name is not None)
        repeated = _repeated(header)
        doubtful = [name for name in repeated if name in found.columns.mapped and name not in (mapping or {})]
        if doubtful:
            raise HeaderMismatch(
                f"the header names a column twice: {', '.join(repeated)}", {"repeated": repeated[:_SHOWN_NAMES]}
            )
        return found

    def without_header(self, rows: Sample) -> Sequence[str] | None:
        """The names of the columns, if the rows are records of a dataset whose files have no header."""
        for dataset in self:
            names = dataset.positional
            if names and len(names) == len(rows[0]):
                [judged] = candidates([dataset], names, rows)
                if judged.is_possible and not judged.contradicted and is_filled(dataset, names, rows):
                    return names
        return None


def _able(datasets: Iterable[Dataset], header: Sequence[str], mapping: Mapping[str, str]) -> list[Dataset]:
    """The datasets that know every column of the mapping."""
    unknown = [name for name in mapping if name not in header]
    if unknown:
        raise HeaderMismatch(
            f"mapping names columns that the header does not have: {', '.join(unknown)}",
            {"unknown": unknown[:_SHOWN_NAMES], "found": list(header)[:_SHOWN_NAMES]},
        )
    datasets = list(datasets)
    able = [dataset for dataset in datasets if _fits(resolved(mapping, dataset), mapping)]
    if not able:
        known = {name for dataset in datasets for name in dataset.column_names}
        raise HeaderMismatch(
            f"no dataset has all of these columns, each once: {', '.join(filter(None, mapping.values()))}",
            {"datasets": [dataset.name for dataset in datasets], "columns": sorted(known)},
        )
    return able


def _fits(found: Mapping[str, str], mapping: Mapping[str, str]) -> bool:
    """Whether the dataset knows every name of the mapping, and as a column of its own."""
    columns = [column for column in found.values() if column]
    return len(found) == len(mapping) and len(set(columns)) == len(columns)


def _repeated(header: Sequence[str]) -> list[str]:
    counts = Counter(normalised(name) for name in header)
    return sorted({name for name in header if normalised(name) and counts[normalised(name)] > 1})
