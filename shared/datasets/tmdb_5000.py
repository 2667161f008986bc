"""TMDB 5000 Movie Dataset (Kaggle): tmdb_5000_movies.csv; lists are JSON of objects."""

from shared.datasets import release
from shared.datasets.dataset import Dataset
from shared.datasets.tmdb import FACTS, OBJECTS

DATASET = Dataset(
    name="tmdb_5000",
    title="TMDB 5000 movies",
    description='Kaggle\'s tmdb_5000_movies.csv: lists are JSON of objects ([{"id": 16, "name": "Animation"}]).',
    columns=(*FACTS, *OBJECTS),
    derive=release.from_day,
)
