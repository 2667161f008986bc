"""MovieLens 100K: u.item, in Latin-1, without a header; vertical bars between columns, and a flag for each genre."""

from shared.catalog.checks import NOT_BLANK, RELEASE_DAY, SOURCE_ID
from shared.catalog.dataset import Column, Dataset
from shared.catalog.datasets.movielens import TITLE_YEAR
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import IsoDate, Rule
from shared.catalog.rules.publisher_rules import TitleYear, UndatedTitle

GENRES = (
    *(
        "unknown",
        "Action",
        "Adventure",
        "Animation",
        "Children's",
        "Comedy",
        "Crime",
        "Documentary",
        "Drama",
        "Fantasy",
    ),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
COLUMNS = ("movie id", "movie title", "release date", "video release date", "IMDb URL", *GENRES)

DATASET = Dataset(
    name="movielens_100k",
    title="MovieLens 100K",
    description="MovieLens' u.item: no header, days like 01-Jan-1995; the flags of the genres are kept in `extra`.",
    columns=(
        Column("movie id", "source_id", Rule(), "MovieLens' id of the film", (SOURCE_ID,), is_key=True),
        Column("movie title", "title", UndatedTitle(), "Title without its year", (NOT_BLANK,), required=True),
        Column("movie title", "release_year", TitleYear(), "The year after the title", (TITLE_YEAR,)),
        Column("release date", "release_date", IsoDate(), "Day of release", (RELEASE_DAY,)),
        Column("IMDb URL", "homepage", Rule(), "Web address"),
    ),
    other_columns=GENRES,
    positional=COLUMNS,
    derive=release_fields,
)
