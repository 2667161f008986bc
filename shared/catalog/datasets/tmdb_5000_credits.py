"""TMDB 5000 Movie Dataset (Kaggle): tmdb_5000_credits.csv; JSON lists of objects."""

from shared.catalog.checks import SOURCE_ID
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.number_rules import IdNumber
from shared.catalog.tables.crew import TABLE
from shared.catalog.tmdb_columns import CREDITS

DATASET = Dataset(
    name="tmdb_5000_credits",
    title="TMDB 5000 credits",
    description='Kaggle\'s tmdb_5000_credits.csv: JSON lists of objects ([{"id": 31, "name": "Tom Hanks"}]).',
    table=TABLE,
    publisher=Publisher.TMDB,
    columns=(
        Column("movie_id", "title_id", IdNumber(), "TMDB's id of the film", (SOURCE_ID,), required=True, is_key=True),
        Column("title", "title", Rule(), "Title in English"),
        *CREDITS,
    ),
)
