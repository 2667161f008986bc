"""Publishers of ids: rows belong together only if the same publisher has given out the ids by which they refer."""

import re
from enum import StrEnum
from typing import Final

_TCONST: Final = re.compile(r"tt[0-9]{1,20}")


class Publisher(StrEnum):
    """Who has given out the ids of titles and people in a file."""

    IMDB = "imdb"
    TMDB = "tmdb"


def publisher_of(source_id: str | None, of_dataset: Publisher | None) -> Publisher | None:
    """Who has given out the id of a title, if that is known.

    An id of IMDb's shows itself in a file of any dataset. A number does not: MovieLens and TMDB have the same ones for
    other films.
    """
    if source_id is None:
        return None
    return Publisher.IMDB if _TCONST.fullmatch(source_id) else of_dataset
