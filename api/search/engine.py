"""What a search engine does for the routes. PostgreSQL is one (`postgres`); another one would be put beside it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class HitType(StrEnum):
    """What a search can find."""

    MOVIE = "movie"
    PERSON = "person"
    GENRE = "genre"


@dataclass(frozen=True, slots=True)
class Search:
    """A text as somebody types it, what to look for, and which hits: `limit` of them after the first `offset`."""

    tenant: str
    text: str
    types: frozenset[HitType]
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Found:
    """The hits that were asked for, best first, as readers see them; how many there are, if `is_exact`, or at least.

    `corrected`: the text that was searched instead, because nothing has the words as they were typed.
    """

    hits: list[dict[str, Any]]
    total: int
    is_exact: bool
    corrected: str | None = None


class SearchEngine(Protocol):
    """Finds rows that are visible to readers now: none of an upload that was undone, all of one that is completed."""

    async def search(self, search: Search) -> Found:
        """The hits, ranked: those named exactly so first, then by how many people have voted."""
