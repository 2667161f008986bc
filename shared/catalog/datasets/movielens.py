"""MovieLens: the movies.csv of each of its editions; the year of release follows the title."""

from shared.catalog.checks import FIRST_YEAR, LAST_YEAR, NOT_BLANK, SOURCE_ID, Between
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.list_rules import PipeList
from shared.catalog.rules.publisher_rules import TitleYear, UndatedTitle

TITLE_YEAR = Between(
    code="year_out_of_range",
    message=f"must end with a year between {FIRST_YEAR} and {LAST_YEAR}, or without a year",
    low=FIRST_YEAR,
    high=LAST_YEAR,
)

DATASET = Dataset(
    name="movielens",
    title="MovieLens",
    description="MovieLens' movies.csv or movies.dat: titles like `Toy Story (1995)`, genres between vertical bars.",
    columns=(
        Column("movieId", "source_id", Rule(), "MovieLens' id of the film", (SOURCE_ID,), is_key=True),
        Column("title", "title", UndatedTitle(), "The title without the year after it", (NOT_BLANK,), required=True),
        Column("title", "release_year", TitleYear(), "The year after the title, if there is one", (TITLE_YEAR,)),
        Column("genres", "genres", PipeList(), "Genres"),
    ),
    positional=("movieId", "title", "genres"),
    nulls=("", "\\N", "(no genres listed)"),
    derive=release_fields,
)
