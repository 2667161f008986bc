"""TMDB movies with fifteen columns: amounts like `30000000.0`, languages as a Python list literal."""

from shared.catalog.checks import NOT_NEGATIVE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Whole
from shared.catalog.rules.list_rules import ListLiteral
from shared.catalog.tmdb_columns import FACTS

DATASET = Dataset(
    name="movies",
    title="TMDB movies",
    description="One film a row, CSV with quotes; an empty cell is null. Amounts may be written like 30000000.0.",
    columns=(
        *FACTS,
        Column(
            "production_company_id", "production_company_id", Whole(), "TMDB's id of the first company", (NOT_NEGATIVE,)
        ),
        Column("genre_id", "genre_id", Whole(), "TMDB's id of the first genre", (NOT_NEGATIVE,)),
        Column("languages", "languages", ListLiteral(), "Names of the spoken languages", aliases=("spoken_languages",)),
    ),
    derive=release_fields,
)
