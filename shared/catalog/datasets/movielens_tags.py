"""MovieLens: the tags.csv of each of its editions; words of single users."""

from shared.catalog.checks import KEY_TEXT, NOT_BLANK
from shared.catalog.dataset import Column, Dataset
from shared.catalog.movielens_columns import FACTS_OF_FILMS, MOVIE_ID, USER_ID
from shared.catalog.rules.publisher_rules import TrimmedText
from shared.catalog.rules.time_rules import UnixSeconds
from shared.catalog.tables.tags import TABLE

DATASET = Dataset(
    name="movielens_tags",
    title="MovieLens tags",
    description="MovieLens' tags.csv: words that single users have put on films, moments as seconds since 1970.",
    table=TABLE,
    columns=(
        USER_ID,
        MOVIE_ID,
        Column("tag", "tag", TrimmedText(), "A word or a few", (NOT_BLANK, KEY_TEXT), required=True, is_key=True),
        Column(
            "timestamp",
            "tagged_at",
            UnixSeconds(),
            "When the user did so, in seconds since 1970",
            required=True,
            is_key=True,
            aliases=("unix_timestamp",),
        ),
    ),
    other_columns=(*FACTS_OF_FILMS, "rating"),
)
