"""MovieLens: the links.csv of each of its editions; IMDb's ids have lost their `tt`."""

from shared.catalog.checks import SOURCE_ID, TCONST
from shared.catalog.dataset import Column, Dataset
from shared.catalog.movielens_columns import MOVIE_ID
from shared.catalog.rules.number_rules import IdNumber, TitleNumber
from shared.catalog.tables.links import TABLE

DATASET = Dataset(
    name="movielens_links",
    title="MovieLens links",
    description="MovieLens' links.csv: the ids of its films at IMDb (0114709 is tt0114709) and TMDB.",
    table=TABLE,
    columns=(
        MOVIE_ID,
        Column("imdbId", "imdb_id", TitleNumber(), "IMDb's id of the title, without its tt", (TCONST,)),
        Column("tmdbId", "tmdb_id", IdNumber(), "TMDB's id of the film", (SOURCE_ID,)),
    ),
)
