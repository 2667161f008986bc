"""IMDB Movies Dataset (Kaggle): imdb_top_1000.csv, the thousand films with the best votes on IMDb, without ids.

One film has its certificate in `Released_Year` (Apollo 13, `PG`).
"""

from shared.catalog.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_YEAR, RUNTIME, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, Rule, Whole, Year
from shared.catalog.rules.list_rules import CommaList
from shared.catalog.rules.publisher_rules import GroupedWhole, Minutes

DATASET = Dataset(
    name="imdb_top_1000",
    title="IMDb's top 1000",
    description="Kaggle's imdb_top_1000.csv: lengths like `142 min`, amounts like `28,341,469`.",
    columns=(
        Column("Series_Title", "title", Rule(), "Title in English", (NOT_BLANK,), required=True),
        Column("Released_Year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column("Runtime", "runtime", Minutes(), "Length in minutes", (RUNTIME,)),
        Column("Genre", "genres", CommaList(), "Up to three genres"),
        Column("IMDB_Rating", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,)),
        Column("Overview", "overview", Rule(), "Summary of the plot"),
        Column("No_of_Votes", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
        Column("Gross", "revenue", GroupedWhole(), "Box office in US dollars", (NOT_NEGATIVE,)),
    ),
    derive=release_fields,
)
