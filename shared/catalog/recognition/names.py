"""The names of a header, and the names that a client's mapping gives."""

from collections import Counter
from collections.abc import Mapping, Sequence

from shared.catalog.dataset import Dataset, normalised


def resolved(mapping: Mapping[str, str], dataset: Dataset) -> dict[str, str]:
    """The mapping with the dataset's own names: it may name a column, one of its aliases, or a field.

    A name that the dataset does not know is left out.
    """
    if not mapping:
        return {}
    names: dict[str, str] = {"": ""}
    feeds = Counter(column.name for column in dataset.columns)
    for column in dataset.columns:
        # the field of a column that feeds several does not name it
        for name in (*([column.field] if feeds[column.name] == 1 else []), *column.aliases):
            names.setdefault(normalised(name), column.name)
    names.update({normalised(column.name): column.name for column in dataset.columns})
    return {name: names[normalised(wanted)] for name, wanted in mapping.items() if normalised(wanted) in names}


def unique_names(header: Sequence[str]) -> list[str]:
    """The header's names, each once: a column without a name is called by its position, a repeated name is numbered."""
    names: list[str] = []
    taken = {normalised(name) for name in header if normalised(name)}
    seen = Counter[str]()
    for position, name in enumerate(header, 1):
        key = normalised(name)
        seen[key] += 1
        if key and seen[key] == 1:
            names.append(name)
            continue
        stem, number = (name, seen[key]) if key else ("column", position)
        while normalised(f"{stem}_{number}") in taken:
            number += 1
        taken.add(normalised(f"{stem}_{number}"))
        names.append(f"{stem}_{number}")
    return names
