"""Files of titles: a key and a value in each record."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from shared.ingest.manual.edit import Edited

# So many records that the upload is large, all with the same values in each file.
FILLER = {f"tt1{number:06}": "filler" for number in range(40)}

# Takes in and loads these titles: `load(values, mode, plan=False)`.
Load = Callable[..., uuid.UUID]


# Adds a title, changes it, or removes it (None), as a person does: `write(key, value)`.
Write = Callable[[str, str | None], Edited]


# What a title has besides: a type, a year, and genres, of which one may come twice.
NAMES = "primaryTitle\ttitleType\tstartYear\tgenres"
_OTHERS = {
    "a": ("movie", 1995, ["Drama", "Comedy"]),
    "b": ("movie", 2001, ["Drama", "Drama"]),
    "c": ("short", 2009, None),
}
_UNKNOWN = (None, None, ["Drama"])


def cells(value: str) -> str:
    """A title with its other values, which depend on it alone."""
    title_type, year, genres = _OTHERS.get(value, _UNKNOWN)
    others = (title_type, year, genres and ",".join(genres))
    return "\t".join([value, *("\\N" if other is None else str(other) for other in others)])


def record(key: str, value: str) -> dict[str, Any]:
    """The same title as a person writes it."""
    title_type, year, genres = _OTHERS.get(value, _UNKNOWN)
    fields = {"title_type": title_type, "release_year": year, "genres": genres}
    return {"source_id": key, "title": value, **fields}


def titles(values: Mapping[str, str]) -> bytes:
    return (f"tconst\t{NAMES}\n" + "".join(f"{key}\t{cells(value)}\n" for key, value in values.items())).encode()
