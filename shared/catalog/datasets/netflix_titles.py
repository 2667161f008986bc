"""Netflix, Disney+, Amazon Prime and Hulu (Kaggle): netflix_titles.csv and its siblings; films and series."""

from shared.catalog.checks import KEY_TEXT, NOT_BLANK, RELEASE_YEAR, RUNTIME
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Year
from shared.catalog.rules.list_rules import CommaList, GappyCommaList
from shared.catalog.rules.publisher_rules import FilmMinutes, TrimmedText

DATASET = Dataset(
    name="netflix_titles",
    title="Netflix titles",
    description="Kaggle's netflix_titles.csv and its siblings: lengths of films in minutes, of series in seasons.",
    columns=(
        Column("title", "title", TrimmedText(), "Title", (NOT_BLANK,), required=True),
        Column("show_id", "source_id", TrimmedText(), "The service's id", (KEY_TEXT,), is_key=True),
        Column("type", "title_type", TrimmedText(), "Movie or TV Show"),
        Column("release_year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column(
            "duration",
            "runtime",
            FilmMinutes(),
            "Length of a film in minutes; the seasons of a series are kept in `extra`",
            (RUNTIME,),
            is_kept=True,
        ),
        Column("listed_in", "genres", CommaList(), "Genres"),
        Column("country", "countries", GappyCommaList(), "Countries of production"),
        Column("description", "overview", TrimmedText(), "Summary of the plot"),
    ),
    signature_columns=("date_added", "rating"),
    other_columns=("director", "cast"),
    derive=release_fields,
)
