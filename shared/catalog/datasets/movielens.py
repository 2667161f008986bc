"""MovieLens: movies.csv of each of its sizes; the year of release stands behind the title."""

from shared.catalog import release_fields as release
from shared.catalog.checks import FIRST_YEAR, LAST_YEAR, NOT_BLANK, SOURCE_ID, Between
from shared.catalog.dataset import Column, Dataset
from shared.catalog.list_rules import PipeList
from shared.catalog.publisher_rules import TitleYear, UndatedTitle
from shared.catalog.rules import Rule

YEAR_BEHIND = Between(
    code="year_out_of_range",
    message=f"must end with a year between {FIRST_YEAR} and {LAST_YEAR}, if with any",
    low=FIRST_YEAR,
    high=LAST_YEAR,
)

DATASET = Dataset(
    name="movielens",
    title="MovieLens",
    description="MovieLens' movies.csv: titles like `Toy Story (1995)`, genres with bars between them.",
    columns=(
        Column("movieId", "source_id", Rule(), "MovieLens' id of the film", (SOURCE_ID,), required=True),
        Column("title", "title", UndatedTitle(), "The title without the year behind it", (NOT_BLANK,), required=True),
        Column("title", "release_year", TitleYear(), "The year behind the title, if there is one", (YEAR_BEHIND,)),
        Column("genres", "genres", PipeList(), "Genres"),
    ),
    nulls=("", "\\N", "(no genres listed)"),
    derive=release.from_year,
)
