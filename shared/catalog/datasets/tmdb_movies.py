"""Full TMDB Movies Dataset (Kaggle): TMDB_movie_dataset_v11.csv, over a million films; lists separated by commas."""

from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.list_rules import CommaList
from shared.catalog.rules.publisher_rules import TrueFalse
from shared.catalog.tmdb_columns import FACTS, ID

DATASET = Dataset(
    name="tmdb_movies",
    title="Full TMDB movies",
    description="Kaggle's TMDB_movie_dataset_v11.csv: lists are values separated by commas (Action, Comedy).",
    publisher=Publisher.TMDB,
    columns=(
        *FACTS,
        ID,
        Column("genres", "genres", CommaList(), "Names of the genres"),
        Column("spoken_languages", "languages", CommaList(), "Names of the spoken languages"),
        Column("production_countries", "countries", CommaList(), "Names of the countries of production"),
        Column("adult", "is_adult", TrueFalse(), "True for an adult film"),
    ),
    signature_columns=("backdrop_path", "keywords", "production_companies"),
    derive=release_fields,
)
