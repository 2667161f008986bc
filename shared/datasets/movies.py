"""TMDB movies with fifteen columns: amounts written `30000000.0`, languages as a Python list literal."""

from shared.datasets import release
from shared.datasets.checks import NOT_NEGATIVE
from shared.datasets.dataset import Column, Dataset
from shared.datasets.lists import ListLiteral
from shared.datasets.rules import Whole
from shared.datasets.tmdb import FACTS

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
    derive=release.from_day,
)
