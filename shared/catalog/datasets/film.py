"""The `film` table of Sakila and Pagila, the sample databases of a film rental shop, as CSV."""

from shared.catalog.checks import NOT_BLANK, RELEASE_YEAR, RUNTIME, SOURCE_ID
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Rule, Whole, Year

DATASET = Dataset(
    name="film",
    title="Sakila films",
    description="The film table of Sakila or Pagila as CSV; `null` is null. Languages are ids of another table.",
    columns=(
        Column("film_id", "source_id", Rule(), "The film's id", (SOURCE_ID,), is_key=True),
        Column("title", "title", Rule(), "Title", (NOT_BLANK,), required=True),
        Column("description", "overview", Rule(), "Summary of the plot"),
        Column("release_year", "release_year", Year(), "Year of release", (RELEASE_YEAR,)),
        Column("length", "runtime", Whole(), "Length in minutes", (RUNTIME,)),
    ),
    nulls=("", "\\N", "null", "NULL"),
    derive=release_fields,
)
