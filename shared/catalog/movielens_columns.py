"""Columns that the files of MovieLens have in common, and what is joined to them."""

from typing import Final

from shared.catalog.checks import SOURCE_ID
from shared.catalog.dataset import Column
from shared.catalog.rules.number_rules import IdNumber

USER_ID = Column("userId", "user_id", IdNumber(), "MovieLens' id of the user", (SOURCE_ID,), required=True, is_key=True)
MOVIE_ID = Column(
    "movieId",
    "movie_id",
    IdNumber(),
    "MovieLens' id of the film",
    (SOURCE_ID,),
    required=True,
    is_key=True,
    aliases=("item_id",),
)
# Many people join the films to the ratings. It is still one row for each user and film.
FACTS_OF_FILMS: Final = ("title", "movie title", "genres", "year", "release year", "imdbId", "tmdbId")
