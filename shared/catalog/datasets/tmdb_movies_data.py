"""TMDB movies (Kaggle, and Udacity's course): tmdb-movies.csv, 10,866 films; titles in the original language only.

Days are written with two digits for the year (`6/9/15`), which may be of either century, so the year of release comes
from its own column.
"""

from shared.catalog.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_YEAR, RUNTIME, SOURCE_ID, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, Rule, Whole, Year
from shared.catalog.rules.list_rules import PipeList
from shared.catalog.rules.publisher_rules import TrimmedText

DATASET = Dataset(
    name="tmdb_movies_data",
    title="TMDB movies with adjusted amounts",
    description="Kaggle's tmdb-movies.csv: lists separated by vertical bars, amounts also in dollars of 2010.",
    publisher=Publisher.TMDB,
    columns=(
        Column("original_title", "title", TrimmedText(), "Title", (NOT_BLANK,), required=True),
        Column("id", "source_id", Rule(), "TMDB's id of the film", (SOURCE_ID,), is_key=True),
        Column("release_year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column("budget", "budget", Whole(), "Production budget in US dollars", (NOT_NEGATIVE,)),
        Column("revenue", "revenue", Whole(), "Box office in US dollars", (NOT_NEGATIVE,)),
        Column("runtime", "runtime", Whole(), "Length in minutes", (RUNTIME,)),
        Column("genres", "genres", PipeList(), "Genres"),
        Column("overview", "overview", TrimmedText(), "Summary of the plot"),
        Column("homepage", "homepage", Rule(), "Web address"),
        Column("vote_average", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,)),
        Column("vote_count", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
    ),
    signature_columns=("budget_adj", "revenue_adj"),
    derive=release_fields,
)
