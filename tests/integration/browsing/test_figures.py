"""The figures of a tenant's datasets agree with its uploads and rows, whatever happens to them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.browsing.figures import read_figures
from api.description.schemas.figures import DatasetFigures
from shared.catalog.write_mode import WriteMode
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.browsing.conftest import Asker
from tests.integration.ingest.corrections import corrected_movies
from tests.integration.ingest.test_loader import never
from tests.rows import file_of, movies, titles

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

# Two records are rejected for the same first reason, one of them for a further one; another for another one.
FILE = movies(
    {"release_date": "1995-01-01", "vote_average": "7.9"},
    {"release_date": "1995-02-01", "vote_average": "7"},
    {"release_date": "", "vote_average": ""},
    {"title": ""},
    {"title": "", "vote_average": "11"},
    {"runtime": "long"},
)
REJECTED = {"required": 2, "not_a_whole_number": 1}


def of_movies(ask: Asker) -> DatasetFigures:
    [found] = [each for each in ask(read_figures, "public", None).items if each.dataset == "movies"]
    assert isinstance(found, DatasetFigures)
    return found


def rejected(found: DatasetFigures) -> dict[str, int]:
    return {each.code: each.records for each in found.rejected}


def loads(found: DatasetFigures) -> list[tuple[int, int, int]]:
    return [(day.uploads, day.loaded, day.rejected) for day in found.loads]


def test_what_a_file_becomes(ask: Asker, intake: Intake, loader: Loader) -> None:
    loader.load(intake(FILE), never)
    intake(movies({}), forced=True)
    loader.load(intake(FILE, tenant="other"), never)
    found = of_movies(ask)
    assert (found.rows, found.uploads) == (3, {"completed": 1, "queued": 1})
    assert rejected(found) == REJECTED
    assert loads(found) == [(1, 3, 3)]
    assert found.loads[0].day == datetime.now(UTC).date()
    assert found.movies is not None
    assert [(each.year, each.movies) for each in found.movies.by_year] == [(1995, 2), (None, 1)]
    assert [(each.rating, each.movies) for each in found.movies.by_rating] == [(7, 2)]


def test_a_dataset_without_movies_has_its_rows(ask: Asker, intake: Intake, loader: Loader) -> None:
    loader.load(intake(file_of("title.ratings", {}), "title.ratings.tsv"), never)
    loader.load(intake(titles({"genres": "Drama", "titleType": "short"}), "title.basics.tsv"), never)
    basics, ratings = ask(read_figures, "public", None).items
    assert (ratings.dataset, ratings.rows, ratings.movies) == ("title.ratings", 1, None)
    assert [(each.name, each.movies) for each in basics.movies.by_genre] == [("Drama", 1)]
    assert [(each.title_type, each.movies) for each in basics.movies.by_type] == [("short", 1)]
    assert ask(read_figures, "public", "title.basics").items == [basics]


def test_a_corrected_record_is_no_longer_rejected(
    ask: Asker, engine: Engine, intake: Intake, loader: Loader, correct: Correct
) -> None:
    upload_id = intake(FILE)
    loader.load(upload_id, never)
    loader.load(correct(upload_id, corrected_movies(6, 7, vote_average="11")), never)  # still wrong
    assert rejected(of_movies(ask)) == REJECTED
    loader.load(correct(upload_id, corrected_movies(6)), never)
    found = of_movies(ask)
    assert rejected(found) == REJECTED | {"required": 1}
    assert loads(found) == [(1, 4, 2)]
    undo(engine, REGISTRY, upload_id, "public")
    found = of_movies(ask)
    assert (rejected(found), loads(found), found.rows) == ({}, [], 0)


def test_a_replaced_upload_was_loaded_but_rejects_nothing(ask: Asker, intake: Intake, loader: Loader) -> None:
    loader.load(intake(file_of("title.ratings", {}, {"averageRating": "x"}), "title.ratings.tsv"), never)
    newer = file_of("title.ratings", {"tconst": "tt0000009"})
    loader.load(intake(newer, "title.ratings.tsv", mode=WriteMode.REPLACE), never)
    [found] = ask(read_figures, "public", None).items
    assert (rejected(found), loads(found), found.rows) == ({}, [(2, 2, 1)], 1)


def test_a_year_of_days(ask: Asker, engine: Engine, intake: Intake, loader: Loader) -> None:
    for _ in range(3):
        loader.load(intake(FILE, forced=True), never)
    with engine.begin() as connection:
        numbers = list(connection.scalars(text("SELECT number FROM uploads ORDER BY 1")))
        for number, days in zip(numbers, (365, 366, 0), strict=True):
            sql = "UPDATE uploads SET finished_at = date_trunc('day', now(), 'UTC') - make_interval(days => :days)"
            names: dict[str, Any] = {"days": days, "number": number}
            connection.execute(text(f"{sql} WHERE number = :number"), names)
    found = of_movies(ask)
    assert [(datetime.now(UTC).date() - day.day).days for day in found.loads] == [365, 0]
    assert found.uploads == {"completed": 3}
