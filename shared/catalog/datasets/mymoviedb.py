"""9000+ Movies Dataset (Kaggle): mymoviedb.csv, films of TMDB without ids."""

from shared.catalog.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_DAY, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, IsoDate, Whole
from shared.catalog.rules.list_rules import CommaList
from shared.catalog.rules.publisher_rules import TrimmedText
from shared.catalog.tmdb_columns import LANGUAGE_CODE

DATASET = Dataset(
    name="mymoviedb",
    title="9,000 movies of TMDB",
    description="Kaggle's mymoviedb.csv: genres separated by commas, no ids.",
    columns=(
        Column("Title", "title", TrimmedText(), "Title in English", (NOT_BLANK,), required=True),
        Column("Release_Date", "release_date", IsoDate(), "Day of the first release", (RELEASE_DAY,)),
        Column("Overview", "overview", TrimmedText(), "Summary of the plot"),
        Column("Vote_Count", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
        Column("Vote_Average", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,)),
        Column("Original_Language", "original_language", TrimmedText(), "ISO 639 code", (LANGUAGE_CODE,)),
        Column("Genre", "genres", CommaList(), "Genres"),
    ),
    other_columns=("Popularity", "Poster_Url"),
    derive=release_fields,
)
