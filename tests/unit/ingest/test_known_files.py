"""Real files, as their publishers or people who shared them have written them: exact numbers, and rows by their lines.

What is expected here was counted with Python's csv module.
"""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from shared.csv.reading.read import read_batch
from shared.csv.unreadable import HeaderMismatch
from shared.ingest.validation.validate import Validated, validate
from tests.conftest import REGISTRY, absent
from tests.unit.csv.dialects import CSV, TSV
from tests.unit.ingest.destinations import destination

METADATA = "tmdb/movies_metadata_first5000.csv"
TMDB_5000 = "tmdb/tmdb_5000_movies.csv"
TOP_1000 = "imdb_csv/imdb_top_1000.csv"
IMDB_DATA = "imdb_csv/IMDB-Movie-Data.csv"
MOVIELENS = "movielens/movies.csv"
FILM = "pagila/sakila_csv/film.csv"

# dataset, records, and how many of the loaded have no value in a field
FILES: list[tuple[str, str, int, dict[str, int]]] = [
    ("assignment/movies_sample.csv", "movies", 10, {"homepage": 8}),
    ("assignment/assignment_shape_5000.csv", "movies", 5_000, {"genre_id": 106, "production_company_id": 561}),
    ("imdb_tsv/first100/title.basics.tsv", "title.basics", 99, {"runtime": 56, "end_year": 99}),
    ("imdb_tsv/subset2017/title.basics.tsv", "title.basics", 18_199, {"runtime": 4_702, "genres": 726}),
    (
        METADATA,
        "movies_metadata",
        5_000,
        {"genre_id": 106, "production_company_id": 561, "homepage": 4_689, "overview": 21, "release_date": 4}
        | {"runtime": 6, "status": 6, "languages": 0, "genres": 0, "is_adult": 0},
    ),
    (
        TMDB_5000,
        "tmdb_5000",
        4_803,
        {"genre_id": 28, "production_company_id": 351, "homepage": 3_091, "overview": 3, "release_date": 1}
        | {"runtime": 2, "status": 0, "languages": 0, "genres": 0},
    ),
    (TOP_1000, "imdb_top_1000", 1_000, {"revenue": 169, "runtime": 0, "release_year": 0, "vote_count": 0}),
    (IMDB_DATA, "imdb_movie_data", 1_000, {"revenue": 128, "runtime": 0, "release_year": 0}),
    (MOVIELENS, "movielens", 9_125, {"genres": 18, "release_year": 6, "release_order": 6}),
    ("imdb_tsv/first100/name.basics.tsv", "name.basics", 99, {"birth_year": 2, "professions": 0, "known_for": 0}),
    ("imdb_tsv/first100/title.ratings.tsv", "title.ratings", 99, {"vote_average": 0, "vote_count": 0}),
    ("imdb_tsv/first100/title.crew.tsv", "title.crew", 99, {"cast_names": 99, "title": 99}),
    ("imdb_tsv/first100/title.episode.tsv", "title.episode", 99, {"series_id": 0}),
    ("imdb_tsv/first100/title.principals.tsv", "title.principals", 99, {"person_id": 0, "category": 0}),
    ("imdb_tsv/first100/title.akas.tsv", "title.akas", 99, {"types": 58, "attributes": 83, "is_original": 0}),
    ("imdb_tsv/subset2017/title.ratings.tsv", "title.ratings", 7_821, {"vote_average": 0, "vote_count": 0}),
    ("imdb_tsv/subset2017/title.akas.tsv", "title.akas", 32_852, {"types": 18_254, "attributes": 31_419}),
    ("tmdb/ratings_small.csv", "movielens_ratings", 100_004, {"rating": 0, "rated_at": 0}),
    (FILM, "film", 1_000, {"runtime": 0, "release_year": 0, "original_language": 1_000}),
]

# line of the file -> what is there
ROWS: list[tuple[str, int, dict[str, Any]]] = [
    (
        METADATA,
        2,
        {"title": "Toy Story", "source_id": "862", "budget": 30_000_000, "revenue": 373_554_033, "runtime": 81}
        | {"genres": ["Animation", "Comedy", "Family"], "genre_id": 16, "production_company_id": 3, "is_adult": False}
        | {"languages": ["English"], "release_date": date(1995, 10, 30), "release_order": 19951030}
        | {"vote_average": 7.7, "vote_count": 5_415},
    ),
    (METADATA, 4175, {"title": "Rififi", "source_id": "934", "release_order": 19550413}),
    (
        TMDB_5000,
        2,
        {"title": "Avatar", "source_id": "19995", "revenue": 2_787_965_087, "runtime": 162, "vote_average": 7.2}
        | {"genres": ["Action", "Adventure", "Fantasy", "Science Fiction"], "genre_id": 28}
        | {"production_company_id": 289, "languages": ["English", "Español"], "release_order": 20091210},
    ),
    (TMDB_5000, 2658, {"runtime": None}),
    (TMDB_5000, 3526, {"title": "[REC]²"}),
    (TMDB_5000, 4068, {"title": "[REC]"}),
    (TMDB_5000, 4555, {"release_date": None, "release_year": None, "release_order": None}),
    (
        TOP_1000,
        2,
        {"title": "The Shawshank Redemption", "release_year": 1994, "release_order": 19940000, "release_date": None}
        | {"runtime": 142, "genres": ["Drama"], "vote_average": 9.3, "vote_count": 2_343_110, "revenue": 28_341_469},
    ),
    (TOP_1000, 3, {"title": "The Godfather", "genres": ["Crime", "Drama"], "revenue": 134_966_411, "runtime": 175}),
    (
        IMDB_DATA,
        2,
        {"title": "Guardians of the Galaxy", "release_year": 2014, "runtime": 121, "vote_average": 8.1}
        | {"vote_count": 757_074, "revenue": 333_130_000, "genres": ["Action", "Adventure", "Sci-Fi"]},
    ),
    (IMDB_DATA, 9, {"title": "Mindhorn", "revenue": None, "vote_count": 2_490}),
    (
        MOVIELENS,
        2,
        {"title": "Toy Story", "release_year": 1995, "release_order": 19950000, "source_id": "1"}
        | {"genres": ["Adventure", "Animation", "Children", "Comedy", "Fantasy"]},
    ),
    (
        "imdb_tsv/first100/name.basics.tsv",
        2,
        {"source_id": "nm0000001", "name": "Fred Astaire", "birth_year": 1899, "death_year": 1987}
        | {"professions": ["soundtrack", "actor", "miscellaneous"]}
        | {"known_for": ["tt0050419", "tt0043044", "tt0072308", "tt0053137"]},
    ),
    (
        "imdb_tsv/first100/title.principals.tsv",
        2,
        {"title_id": "tt0000001", "ordering": 1, "person_id": "nm1588970", "category": "self", "job": None}
        | {"characters": ["Herself"]},
    ),
    (
        "tmdb/ratings_small.csv",
        2,
        {"user_id": "1", "movie_id": "31", "rating": 2.5, "rated_at": datetime(2009, 12, 14, 2, 52, 24, tzinfo=UTC)},
    ),
    (MOVIELENS, 5235, {"title": "11'09\"01 - September 11", "release_year": 2002, "source_id": "7789"}),
    (
        FILM,
        2,
        {"title": "ACADEMY DINOSAUR", "source_id": "1", "release_year": 2006, "release_order": 20060000, "runtime": 86},
    ),
]


@lru_cache
def load(path: Path) -> tuple[str, Validated]:
    """Which dataset it is, and the whole file as one batch."""
    head, _, body = path.read_bytes().partition(b"\n")
    dialect = TSV if path.suffix == ".tsv" else CSV
    header = next(csv.reader(io.StringIO(head.decode().strip()), delimiter=dialect.delimiter))
    found = REGISTRY.recognise(header)
    records = read_batch(body, 2, replace(dialect, nulls=found.nulls), header)
    return found.name, validate(
        records, found.dataset.for_file(found.columns), found.columns, destination(found.dataset, first_id=2**32), 1
    )


def known(shared_data: Path, name: str) -> Validated:
    if not (shared_data / name).is_file():
        absent(name)
    return load(shared_data / name)[1]


def row_at(validated: Validated, line: int) -> dict[str, Any]:
    ids = validated.rows["id"].to_pylist()
    row: dict[str, Any] = validated.rows.slice(ids.index(2**32 + line), 1).to_pylist()[0]
    return row


def extra(row: dict[str, Any]) -> dict[str, str]:
    texts: dict[str, str] = json.loads(row["extra"].removeprefix("\x01"))
    return texts


@pytest.mark.parametrize(("name", "dataset", "records", "nulls"), FILES, ids=lambda value: str(value)[:40])
def test_a_file_loads_whole(shared_data: Path, name: str, dataset: str, records: int, nulls: dict[str, int]) -> None:
    validated = known(shared_data, name)
    # Apollo 13 has its certificate where the year should be
    rejected = 1 if name == TOP_1000 else 0
    assert (validated.read, validated.rows.num_rows, validated.rejected) == (records, records - rejected, rejected)
    assert {field: validated.rows[field].null_count for field in nulls} == nulls
    assert load(shared_data / name)[0] == dataset


@pytest.mark.parametrize(("name", "line", "expected"), ROWS, ids=lambda value: str(value)[:40])
def test_a_row_is_what_the_file_says(shared_data: Path, name: str, line: int, expected: dict[str, Any]) -> None:
    row = row_at(known(shared_data, name), line)
    assert {field: row[field] for field in expected} == expected


def test_the_certificate_in_the_year_is_a_reject_with_its_location(shared_data: Path) -> None:
    columns = ["line_number", "position", "column_name", "code", "message", "value"]
    rejects = known(shared_data, TOP_1000).rejects.select(columns).to_pylist()
    expected = (968, 0, "Released_Year", "not_a_year", "Released_Year must be a year in four digits", "PG")
    assert [tuple(reject.values()) for reject in rejects] == [expected]


def test_what_has_no_field_is_kept(shared_data: Path) -> None:
    metadata = extra(row_at(known(shared_data, METADATA), 2))
    assert metadata["imdb_id"] == "tt0114709"
    assert metadata["production_companies"] == "[{'name': 'Pixar Animation Studios', 'id': 3}]"
    assert "tagline" not in metadata  # empty
    taglines = [extra(row).get("tagline", "") for row in known(shared_data, METADATA).rows.to_pylist()]
    assert sum(tagline.startswith('["Rififi"]') for tagline in taglines) == 1
    film = extra(row_at(known(shared_data, FILM), 2))
    assert film == {
        "language_id": "1",
        "rental_duration": "6",
        "rental_rate": "0.99",
        "replacement_cost": "20.99",
        "rating": "PG",
        "special_features": "Deleted Scenes,Behind the Scenes",
        "last_update": "2021-03-06 15:52:00",
    }


def test_titles_without_a_year_are_as_they_stand_in_the_file(shared_data: Path) -> None:
    movies = known(shared_data, MOVIELENS).rows
    pairs = zip(movies["title"].to_pylist(), movies["release_year"].to_pylist(), strict=True)
    titles = [title for title, year in pairs if year is None]
    assert titles == [
        "Big Bang Theory, The (2007-)",
        "Fawlty Towers (1975-1979)",
        "Hyena Road",
        "The Lovers and the Despot",
        "Stranger Things",
        "Women of '69, Unboxed",
    ]


@pytest.mark.parametrize(
    "name",
    ["pagila/sakila_csv/category.csv", "pagila/sakila_csv/film_category.csv", "pagila/sakila_csv/language.csv"],
)
def test_files_of_other_things_are_no_dataset(shared_data: Path, name: str) -> None:
    with pytest.raises(HeaderMismatch):
        known(shared_data, name)
