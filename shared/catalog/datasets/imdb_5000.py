"""IMDB 5000 Movie Dataset (Kaggle): movie_metadata.csv; titles end with a no-break space, lists have vertical bars."""

from shared.catalog.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_YEAR, RUNTIME, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, Whole, Year
from shared.catalog.rules.list_rules import PipeList
from shared.catalog.rules.publisher_rules import TrimmedText

DATASET = Dataset(
    name="imdb_5000",
    title="IMDb 5000",
    description="Kaggle's movie_metadata.csv of five thousand films of IMDb: genres separated by vertical bars.",
    columns=(
        Column("movie_title", "title", TrimmedText(), "Title in English", (NOT_BLANK,), required=True),
        Column("title_year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column("duration", "runtime", Whole(), "Length in minutes", (RUNTIME,)),
        Column("genres", "genres", PipeList(), "Genres"),
        Column("imdb_score", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,)),
        Column("num_voted_users", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
        Column("gross", "revenue", Whole(), "Gross earnings in US dollars", (NOT_NEGATIVE,)),
        Column("budget", "budget", Whole(), "Production budget, in the currency of its country", (NOT_NEGATIVE,)),
        Column("language", "languages", PipeList(), "Language"),
        Column("country", "countries", PipeList(), "Country of production"),
    ),
    other_columns=(
        *("color", "director_name", "num_critic_for_reviews", "director_facebook_likes", "actor_3_facebook_likes"),
        *("actor_2_name", "actor_1_facebook_likes", "actor_1_name", "cast_total_facebook_likes", "actor_3_name"),
        *("facenumber_in_poster", "plot_keywords", "movie_imdb_link", "num_user_for_reviews"),
        *("content_rating", "actor_2_facebook_likes", "aspect_ratio", "movie_facebook_likes"),
    ),
    derive=release_fields,
)
