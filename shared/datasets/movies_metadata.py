"""The Movies Dataset (Kaggle): movies_metadata.csv, 45,466 films of TMDB; lists are Python's, of objects.

A few of its records are broken by line breaks that nobody quoted: dates in `id`, an overview in `adult`.
"""

from shared.datasets import release
from shared.datasets.conversions import TrueFalse
from shared.datasets.dataset import Column, Dataset
from shared.datasets.tmdb import FACTS, OBJECTS

DATASET = Dataset(
    name="movies_metadata",
    title="The Movies Dataset",
    description="Kaggle's movies_metadata.csv: lists are Python's, of objects ([{'id': 16, 'name': 'Animation'}]).",
    columns=(*FACTS, *OBJECTS, Column("adult", "is_adult", TrueFalse(), "True for an adult film")),
    derive=release.from_day,
)
