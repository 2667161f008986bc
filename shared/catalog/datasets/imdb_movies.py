"""IMDB data from 2006 to 2016 (Kaggle): IMDB-Movie-Data.csv, a thousand films without ids."""

from shared.catalog.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_YEAR, RUNTIME, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, Rule, Whole, Year
from shared.catalog.rules.list_rules import CommaList
from shared.catalog.rules.publisher_rules import Millions

DATASET = Dataset(
    name="imdb_movie_data",
    title="IMDb 2006 to 2016",
    description="Kaggle's IMDB-Movie-Data.csv: revenue in millions, `Not Specified` is null.",
    columns=(
        Column("Title", "title", Rule(), "Title in English", (NOT_BLANK,), required=True),
        Column("Genre", "genres", CommaList(), "Up to three genres"),
        Column("Description", "overview", Rule(), "Summary of the plot"),
        Column("Year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column("Runtime", "runtime", Whole(), "Length in minutes", (RUNTIME,), aliases=("Runtime (Minutes)",)),
        Column("Rating", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,)),
        Column("Votes", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
        Column(
            "Revenue",
            "revenue",
            Millions(),
            "Box office in millions of US dollars",
            (NOT_NEGATIVE,),
            aliases=("Revenue (Millions)",),
        ),
    ),
    # without these, the header only resembles that of these files, and its revenue may not be in millions
    signature_columns=("Director", "Actors", "Metascore"),
    nulls=("", "\\N", "Not Specified"),
    derive=release_fields,
)
