"""The Movies Dataset (Kaggle): credits.csv, 45,476 films of TMDB; Python lists of objects."""

from shared.catalog.checks import SOURCE_ID
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.number_rules import IdNumber
from shared.catalog.tables.crew import TABLE
from shared.catalog.tmdb_columns import CREDITS

DATASET = Dataset(
    name="tmdb_credits",
    title="The Movies Dataset's credits",
    description="Kaggle's credits.csv: Python lists of objects ([{'id': 31, 'name': 'Tom Hanks'}]).",
    table=TABLE,
    publisher=Publisher.TMDB,
    columns=(
        Column("id", "title_id", IdNumber(), "TMDB's id of the film", (SOURCE_ID,), required=True, is_key=True),
        *CREDITS,
    ),
)
