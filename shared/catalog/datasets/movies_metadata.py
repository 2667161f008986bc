"""The Movies Dataset (Kaggle): movies_metadata.csv, 45,466 films of TMDB; Python lists of objects.

Unquoted line breaks have broken a few of its records: dates in `id`, an overview in `adult`.
"""

from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.publisher_rules import TrueFalse
from shared.catalog.tmdb_columns import FACTS, OBJECTS

DATASET = Dataset(
    name="movies_metadata",
    title="The Movies Dataset",
    description="Kaggle's movies_metadata.csv: Python lists of objects ([{'id': 16, 'name': 'Animation'}]).",
    publisher=Publisher.TMDB,
    columns=(*FACTS, *OBJECTS, Column("adult", "is_adult", TrueFalse(), "True for an adult film")),
    derive=release_fields,
)
