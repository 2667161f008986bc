"""The Bechdel test data of FiveThirtyEight: movies.csv, 1,794 films with their verdict."""

from shared.catalog.checks import KEY_TEXT, NOT_BLANK, NOT_NEGATIVE, RELEASE_YEAR
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Year
from shared.catalog.rules.number_rules import Amount, TitleId
from shared.catalog.rules.publisher_rules import TrimmedText

DATASET = Dataset(
    name="bechdel",
    title="Bechdel test",
    description="FiveThirtyEight's movies.csv of the Bechdel test; `#N/A` is null. The verdicts are kept in `extra`.",
    columns=(
        Column("title", "title", TrimmedText(), "Title in English", (NOT_BLANK,), required=True),
        Column("imdb", "source_id", TitleId(), "IMDb's id of the title", (KEY_TEXT,), is_key=True),
        Column("year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column("budget", "budget", Amount(), "Production budget in US dollars", (NOT_NEGATIVE,)),
        Column("intgross", "revenue", Amount(), "Box office of all countries in US dollars", (NOT_NEGATIVE,)),
    ),
    signature_columns=("clean_test", "binary"),
    other_columns=("test", "domgross", "code"),
    nulls=("", "\\N", "#N/A"),
    derive=release_fields,
)
