"""MovieLens: the ratings.csv of each of its editions, ratings.dat and u.data; half stars, from 0.5 to 5."""

from shared.catalog.checks import between
from shared.catalog.dataset import Column, Dataset
from shared.catalog.movielens_columns import FACTS_OF_FILMS, MOVIE_ID, USER_ID
from shared.catalog.rules.publisher_rules import Stars
from shared.catalog.rules.time_rules import UnixSeconds
from shared.catalog.tables.user_ratings import TABLE

HALF_TO_FIVE = between(0.5, 5)

DATASET = Dataset(
    name="movielens_ratings",
    title="MovieLens ratings",
    description="MovieLens' ratings.csv, ratings.dat or u.data: stars of single users, moments as seconds since 1970.",
    table=TABLE,
    columns=(
        USER_ID,
        MOVIE_ID,
        Column("rating", "rating", Stars(), "Stars, 0.5 to 5", (HALF_TO_FIVE,), required=True),
        Column(
            "timestamp",
            "rated_at",
            UnixSeconds(),
            "When the user rated the film, in seconds since 1970",
            aliases=("unix_timestamp",),
        ),
    ),
    other_columns=(*FACTS_OF_FILMS, "tag"),
    positional=("userId", "movieId", "rating", "timestamp"),
)
