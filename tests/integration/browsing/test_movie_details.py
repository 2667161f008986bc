"""A movie with all that belongs to it."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from api.browsing.credits import MOST_CREDITS
from api.browsing.movie_details import MOST_ALTERNATIVE_TITLES, find_movie
from api.browsing.movies_by_source import MOST_MOVIES, read_movies_by_source
from shared.catalog.write_mode import WriteMode
from shared.errors import NotFound
from tests.conftest import REGISTRY
from tests.integration.browsing.conftest import Load, Read
from tests.integration.ingest.test_loader import rows
from tests.rows import GOOD_CAST, GOOD_CREW

FILM, SERIES, EPISODE = "tt0000001", "tt0000002", "tt0000003"


def movie_id(engine: Engine, source_id: str, dataset: str = "title.basics", tenant: str = "public") -> int:
    sql = """SELECT id FROM movies JOIN collections ON number = collection
             WHERE source_id = :source_id AND dataset = :dataset AND movies.tenant = :tenant"""
    [found] = rows(engine, sql, source_id=source_id, dataset=dataset, tenant=tenant)
    return int(found.id)


def details(read: Read, movie: int, tenant: str = "public") -> dict[str, Any]:
    found: dict[str, Any] = read(lambda engine: find_movie(engine, REGISTRY, tenant, movie)).document
    return found


def person(number: int) -> str:
    return f"nm{number:07}"


@pytest.fixture
def film(engine: Engine, load: Load) -> int:
    """One film of IMDb's with rows in each of its files."""
    load("title.basics", {"tconst": FILM}, {"tconst": SERIES, "titleType": "tvSeries"}, {"tconst": EPISODE})
    load("title.ratings", {"tconst": FILM, "averageRating": "5.7", "numVotes": "1965"})
    load("name.basics", {"nconst": person(1), "primaryName": "One"}, {"nconst": person(2), "primaryName": "Two"})
    return movie_id(engine, FILM)


def test_ratings_are_those_of_a_file_of_ratings_if_the_movie_has_none(engine: Engine, read: Read, film: int) -> None:
    assert details(read, film)["ratings"] == {"vote_average": 5.7, "vote_count": 1965, "source": "title.ratings"}
    assert details(read, movie_id(engine, SERIES))["ratings"] is None


def test_ratings_of_its_own_file_come_first(engine: Engine, load: Load, read: Read, film: int) -> None:
    assert film
    load("films", {"Movie Name": "A Film", "User Rating": "9.3", "id": FILM})
    movie = movie_id(engine, FILM, "films")
    ratings = details(read, movie)["ratings"]
    assert (ratings["vote_average"], ratings["source"]) == (9.3, "films")


def test_an_id_of_imdbs_is_one_in_any_file(engine: Engine, load: Load, read: Read, film: int) -> None:
    assert film
    load("films", {"Movie Name": "A Film", "User Rating": "", "id": FILM})
    assert details(read, movie_id(engine, FILM, "films"))["ratings"]["source"] == "title.ratings"


def test_credits_come_by_role_in_the_order_of_the_file(load: Load, read: Read, film: int) -> None:
    empty = {"job": "\\N", "characters": "\\N", "tconst": FILM}
    load(
        "title.principals",
        {**empty, "ordering": "3", "nconst": person(1), "category": "director"},
        {**empty, "ordering": "1", "nconst": person(2), "category": "actor", "characters": '["A","B"]'},
        {**empty, "ordering": "2", "nconst": person(9), "category": "writer", "job": "book"},
        {**empty, "ordering": "4", "nconst": person(1), "category": "actor"},
        {**empty, "ordering": "1", "nconst": person(1), "category": "actor", "tconst": SERIES},
    )
    found = details(read, film)["credits"]
    assert found["total"] == 4
    fields = "name", "ordering", "job", "characters"
    shown = [
        (role["category"], role["total"], [tuple(who[field] for field in fields) for who in role["people"]])
        for role in found["roles"]
    ]
    assert shown == [
        ("actor", 2, [("Two", 1, None, ["A", "B"]), ("One", 4, None, None)]),
        ("writer", 1, [(None, 2, "book", None)]),
        ("director", 1, [("One", 3, None, None)]),
    ]
    ids = [(who["source_id"], who["id"] is None) for role in found["roles"] for who in role["people"]]
    assert ids == [(person(2), False), (person(1), False), (person(9), True), (person(1), False)]


def test_credits_are_bounded_and_counted(load: Load, read: Read, film: int) -> None:
    more = MOST_CREDITS + 30
    categories = {number: "actor" if number <= MOST_CREDITS + 20 else "composer" for number in range(1, more + 1)}
    credit = {"tconst": FILM, "nconst": person(1)}
    load("title.principals", *({**credit, "ordering": str(n), "category": of} for n, of in categories.items()))
    found = details(read, film)["credits"]
    assert found["total"] == more
    [role] = found["roles"]  # all composers come behind the end
    assert (role["category"], role["total"]) == ("actor", MOST_CREDITS + 20)
    assert [who["ordering"] for who in role["people"]] == [*range(1, MOST_CREDITS + 1)]


def test_a_title_without_credits_has_those_of_its_crew(load: Load, read: Read, film: int) -> None:
    load("title.crew", {"tconst": FILM, "directors": person(2), "writers": f"{person(1)},{person(9)}"})
    roles = details(read, film)["credits"]["roles"]
    assert [(role["category"], [who["name"] for who in role["people"]]) for role in roles] == [
        ("director", ["Two"]),
        ("writer", ["One", None]),
    ]


def test_a_film_of_tmdbs_has_the_names_of_its_crew(engine: Engine, load: Load, read: Read) -> None:
    load("movies_metadata", {"id": "862"})
    load("tmdb_credits", {"id": "862", "cast": json.dumps(GOOD_CAST), "crew": json.dumps(GOOD_CREW)})
    found = details(read, movie_id(engine, "862", "movies_metadata"))["credits"]
    shown = [(role["category"], [(who["source_id"], who["name"]) for who in role["people"]]) for role in found["roles"]]
    assert shown == [
        ("director", [("7879", "Three")]),
        ("writer", [("12891", "Four"), ("7", "Five")]),
        ("cast", [("31", "One"), ("12898", "Two")]),
    ]
    assert found["total"] == 5


def test_equal_numbers_of_other_publishers_are_other_films(engine: Engine, load: Load, read: Read) -> None:
    load("tmdb_credits", {"id": "1", "cast": json.dumps(GOOD_CAST), "crew": json.dumps(GOOD_CREW)})
    load("movielens", {"movieId": "1"})
    load("film", {"film_id": "1"})
    for dataset in ("movielens", "film"):
        found = details(read, movie_id(engine, "1", dataset))
        assert found["credits"] == {"total": 0, "roles": []}


def test_alternative_titles_are_bounded_and_counted(load: Load, read: Read, film: int) -> None:
    more = MOST_ALTERNATIVE_TITLES + 20
    numbers = [*range(more, 0, -1)]
    load("title.akas", *({"titleId": FILM, "ordering": str(number), "title": f"No. {number}"} for number in numbers))
    found = details(read, film)["alternative_titles"]
    assert found["total"] == more
    assert [title["title"] for title in found["items"]] == [
        f"No. {number}" for number in range(1, MOST_ALTERNATIVE_TITLES + 1)
    ]


def test_a_series_has_episodes_and_an_episode_has_a_series(engine: Engine, load: Load, read: Read, film: int) -> None:
    load(
        "title.episode",
        {"tconst": EPISODE, "parentTconst": SERIES, "seasonNumber": "1", "episodeNumber": "7"},
        {"tconst": "tt0000004", "parentTconst": SERIES, "seasonNumber": "2", "episodeNumber": "1"},
        {"tconst": "tt0000005", "parentTconst": SERIES, "seasonNumber": "\\N", "episodeNumber": "\\N"},
        {"tconst": "tt0000006", "parentTconst": "tt0000009", "seasonNumber": "3", "episodeNumber": "1"},
    )
    series = movie_id(engine, SERIES)
    found = details(read, series)
    assert found["episodes"] == {"seasons": 2, "total": 3, "report": f"/api/v1/reports/series/{series}"}
    assert found["episode_of"] is None
    found = details(read, movie_id(engine, EPISODE))
    assert found["episodes"] is None
    assert found["episode_of"] == {
        "id": series,
        "source_id": SERIES,
        "title": "Carmencita",
        "season_number": 1,
        "episode_number": 7,
    }
    assert details(read, film)["episode_of"] is None


def test_rows_of_another_tenant_belong_to_nobody_else(engine: Engine, load: Load, read: Read, film: int) -> None:
    load("title.basics", {"tconst": FILM}, tenant="other")
    assert details(read, movie_id(engine, FILM, tenant="other"), "other")["ratings"] is None
    with pytest.raises(NotFound):
        details(read, film, "other")


# -- by the id in the source


def by_source(read: Read, source_id: str, dataset: str | None = None, tenant: str = "public") -> dict[str, Any]:
    found: dict[str, Any] = read(lambda engine: read_movies_by_source(engine, tenant, source_id, dataset))
    return found


def test_movies_of_several_datasets_may_have_an_id(load: Load, read: Read) -> None:
    load("movielens", {"movieId": "1", "title": "Lens (1995)"}, {"movieId": "2"})
    load("movies_metadata", {"id": "1", "title": "Meta"})
    load("film", {"film_id": "1"}, tenant="other")
    found = by_source(read, "1")
    assert found["total"] == 2
    assert [(item["dataset"], item["title"]) for item in found["items"]] == [
        ("movies_metadata", "Meta"),
        ("movielens", "Lens"),
    ]
    assert [item["dataset"] for item in by_source(read, "1", "movielens")["items"]] == ["movielens"]
    assert by_source(read, "3") == {"items": [], "total": 0}


def test_movies_with_an_id_are_bounded_and_counted(load: Load, read: Read) -> None:
    for _ in range(2):
        load("title.basics", {"tconst": FILM}, mode=WriteMode.APPEND)
    assert by_source(read, FILM)["total"] == 2
    assert MOST_MOVIES == 100
