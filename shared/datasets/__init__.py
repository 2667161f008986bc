"""The kinds of file that can be loaded. Each module here with a `DATASET` is one: to add one, write its module."""

import pkgutil
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from shared.datasets.dataset import Column, Dataset, normalised
from shared.errors import HeaderMismatch

__all__ = ["DATASETS", "MOST_COLUMNS", "Column", "Dataset", "distance", "normalised", "recognise"]

MOST_COLUMNS: Final = 1_000


def _all() -> dict[str, Dataset]:
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    datasets: list[Dataset] = [module.DATASET for module in modules if hasattr(module, "DATASET")]
    return {dataset.name: dataset for dataset in datasets}


DATASETS: Final = _all()


def recognise(header: Sequence[str], name: str | None = None) -> Dataset:
    """The dataset whose columns are all in the header; `name`, which there must be, allows only that one.

    Raises `HeaderMismatch`, which tells what is missing from the nearest dataset and what was found.
    """
    if len(header) > MOST_COLUMNS:
        raise HeaderMismatch(f"the header has {len(header):,} columns; {MOST_COLUMNS:,} is the most")
    candidates = [DATASETS[name]] if name else list(DATASETS.values())
    nearest = min(candidates, key=lambda dataset: _distance(dataset, header))
    missing = nearest.missing_columns(header)
    found = [name[:100] for name in header[:100]]
    if not nearest.match(header):
        known = [dataset.name for dataset in candidates]
        raise HeaderMismatch("the header has no column of any dataset", {"datasets": known, "found": found})
    if missing:
        raise HeaderMismatch(
            f"the header fits no dataset; nearest is {nearest.name}, of which it lacks {', '.join(missing)}",
            {"dataset": nearest.name, "missing": missing, "found": found},
        )
    blank = [position for position, name in enumerate(header, 1) if not name]
    if blank:
        raise HeaderMismatch(f"column {blank[0]} of the header has no name", {"blank": blank[:100]})
    counts = Counter(normalised(name) for name in header)
    repeated = sorted({name for name in header if counts[normalised(name)] > 1})
    if repeated:
        raise HeaderMismatch(f"the header names a column twice: {', '.join(repeated)}", {"repeated": repeated[:100]})
    return nearest


def distance(header: Sequence[str], name: str | None = None) -> float:
    """How far a header is from the nearest dataset, or from that of this name: 0 (none of its columns lacks) to 1."""
    candidates = [DATASETS[name]] if name else DATASETS.values()
    return min(_distance(dataset, header)[0] for dataset in candidates)


def _distance(dataset: Dataset, header: Sequence[str]) -> tuple[float, int]:
    """The share of its columns that are missing; of those that miss none, the one with the most columns is nearest."""
    columns = len(dataset.column_names) + len(dataset.marks)
    return len(dataset.missing_columns(header)) / columns, -columns
