"""Full TMDB Movies Dataset (Kaggle): TMDB_movie_dataset_v11.csv, over a million films; lists have commas between."""

from shared.datasets import release
from shared.datasets.conversions import TrueFalse
from shared.datasets.dataset import Column, Dataset
from shared.datasets.lists import CommaList
from shared.datasets.tmdb import FACTS, ID

DATASET = Dataset(
    name="tmdb_movies",
    title="Full TMDB movies",
    description="Kaggle's TMDB_movie_dataset_v11.csv: lists are values with commas between them (Action, Comedy).",
    columns=(
        *FACTS,
        ID,
        Column("genres", "genres", CommaList(), "Names of the genres"),
        Column("spoken_languages", "languages", CommaList(), "Names of the spoken languages"),
        Column("adult", "is_adult", TrueFalse(), "True for an adult film"),
    ),
    marks=("backdrop_path", "keywords", "production_companies"),
    derive=release.from_day,
)
