"""TMDB 5000 Movie Dataset (Kaggle): tmdb_5000_movies.csv; JSON lists of objects."""

from shared.catalog.dataset import Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.release_fields import release_fields
from shared.catalog.tmdb_columns import FACTS, OBJECTS

DATASET = Dataset(
    name="tmdb_5000",
    title="TMDB 5000 movies",
    description='Kaggle\'s tmdb_5000_movies.csv: JSON lists of objects ([{"id": 16, "name": "Animation"}]).',
    publisher=Publisher.TMDB,
    columns=(*FACTS, *OBJECTS),
    derive=release_fields,
)
