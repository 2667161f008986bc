"""Search over titles, people and genres, ranked and typed."""

import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.system.api.sending import Json, MovieRows, assert_problem, wait_for_end

TITLES = """tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres
tt0000001\tmovie\tThe Matrix\tThe Matrix\t0\t1999\t\\N\t136\tAction,Sci-Fi
tt0000002\tmovie\tThe Matrix Reloaded\tThe Matrix Reloaded\t0\t2003\t\\N\t138\tAction,Sci-Fi
tt0000003\tshort\tMatrix\tMatrix\t0\t2011\t\\N\t5\tShort
tt0000004\tmovie\tAmélie\tLe fabuleux destin d'Amélie Poulain\t0\t2001\t\\N\t122\tComedy,Romance
tt0000005\tmovie\tSeven Samurai\t七人の侍\t0\t1954\t\\N\t207\tAction,Drama
tt0000006\tmovie\tThe Comedy of Terrors\tThe Comedy of Terrors\t0\t1963\t\\N\t84\tComedy,Horror
"""
RATINGS = """tconst\taverageRating\tnumVotes
tt0000001\t8.7\t2000000
tt0000002\t7.2\t600000
tt0000003\t6.0\t20
tt0000004\t8.3\t800000
"""
NAMES = """nconst\tprimaryName\tbirthYear\tdeathYear\tprimaryProfession\tknownForTitles
nm0000001\tAudrey Tautou\t1976\t\\N\tactress\ttt0000004
nm0000002\tAudrey Matrix\t\\N\t\\N\tactress\ttt0000003
nm0000003\tKeanu Reeves\t1964\t\\N\tactor,producer\ttt0000001,tt0000002
"""
AKAS = """titleId\tordering\ttitle\tregion\tlanguage\ttypes\tattributes\tisOriginalTitle
tt0000001\t1\tMatriks\tPL\t\\N\t\\N\t\\N\t0
tt0000005\t1\tDie sieben Samurai\tDE\t\\N\t\\N\t\\N\t0
"""


def send(client: httpx.Client, name: str, content: str) -> Json:
    answer = client.post("/upload", params={"filename": name}, content=gzip.compress(content.encode()))
    assert answer.status_code == 202, answer.text
    upload = wait_for_end(client, answer.json()["id"])
    assert upload["state"] == "completed", upload
    return upload


@pytest.fixture
def imdb(mine: httpx.Client) -> httpx.Client:
    """A tenant with a few titles of IMDb."""
    for name, content in (
        ("title.basics.tsv.gz", TITLES),
        ("title.ratings.tsv.gz", RATINGS),
        ("name.basics.tsv.gz", NAMES),
        ("title.akas.tsv.gz", AKAS),
    ):
        send(mine, name, content)
    return mine


def hits(client: httpx.Client, text: str, **params: Any) -> list[str]:
    """Titles and names in their order."""
    answer = client.get("/search", params={"q": text, **params})
    assert answer.status_code == 200, answer.text
    return [item.get("title") or item["name"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("matrix", ["Matrix", "The Matrix", "The Matrix Reloaded", "Audrey Matrix"]),
        ("The matrix", ["The Matrix", "The Matrix Reloaded"]),
        ("rel", ["The Matrix Reloaded"]),
        ("matrix reloaded the", ["The Matrix Reloaded"]),
        ("AMELIE", ["Amélie"]),
        ("amé", ["Amélie"]),
        ("poulain", ["Amélie"]),
        ("damelie", ["Amélie"]),
        ("七人", ["Seven Samurai"]),
        ("の侍", ["Seven Samurai"]),
        ("matriks", ["The Matrix"]),
        ("sieben", ["Seven Samurai"]),
        ("audrey", ["Audrey Tautou", "Audrey Matrix"]),
        ("audrey t", ["Audrey Tautou"]),
        ("comedy", ["Comedy", "The Comedy of Terrors"]),
        ("atrix", []),
        ("nothing like this", []),
        ("!!!", []),
        ("'", []),
        ("\\", []),
        ("a:* | !b & 'c' <->", []),
    ],
)
def test_what_is_found_and_in_which_order(imdb: httpx.Client, text: str, expected: list[str]) -> None:
    assert hits(imdb, text) == expected


def test_hits_show_what_they_are(imdb: httpx.Client) -> None:
    answer = imdb.get("/search", params={"q": "the matrix", "page_size": 1}).json()
    [movie] = answer.pop("items")
    assert answer == {"total": 2, "total_is_exact": True, "corrected": None, "page": 1, "page_size": 1}
    assert movie == {
        "type": "movie",
        "id": movie["id"],
        "source_id": "tt0000001",
        "title": "The Matrix",
        "original_title": "The Matrix",
        "title_type": "movie",
        "release_year": 1999,
        "genres": ["Action", "Sci-Fi"],
        "vote_average": 8.7,
        "vote_count": 2000000,
    }
    assert imdb.get(f"/movies/{movie['id']}").json()["title"] == "The Matrix"
    [person] = imdb.get("/search", params={"q": "reeves"}).json()["items"]
    assert {**person, "id": 0} == {
        "type": "person",
        "id": 0,
        "source_id": "nm0000003",
        "name": "Keanu Reeves",
        "birth_year": 1964,
        "death_year": None,
        "professions": ["actor", "producer"],
    }
    assert imdb.get("/search", params={"q": "com", "type": "genre"}).json()["items"] == [
        {"type": "genre", "name": "Comedy", "movies": 2}
    ]


def test_types_and_pages(imdb: httpx.Client) -> None:
    assert hits(imdb, "matrix", type="movie") == ["Matrix", "The Matrix", "The Matrix Reloaded"]
    assert hits(imdb, "matrix", type="person") == ["Audrey Matrix"]
    first = imdb.get("/search", params={"q": "matrix", "page_size": 3})
    assert first.headers["Link"] == '</api/v1/search?q=matrix&page_size=3&page=2>; rel="next"'
    second = imdb.get("/search", params={"q": "matrix", "page_size": 3, "page": 2})
    assert [item["name"] for item in second.json()["items"]] == ["Audrey Matrix"]
    assert 'rel="next"' not in second.headers["Link"]


def test_an_overview_comes_after_titles(mine: httpx.Client, load: Callable[[MovieRows], Json]) -> None:
    load(
        [
            {"title": "Heat", "overview": "A thief is hunted by the Détective of Łódź.", "vote_count": "9"},
            {"title": "To Catch a Thief", "overview": "On the Riviera.", "vote_count": "1"},
        ]
    )
    assert hits(mine, "thief") == ["To Catch a Thief", "Heat"]
    assert hits(mine, "thie hunted") == []
    assert hits(mine, "thief hunt") == ["Heat"]
    assert hits(mine, "hun") == []
    assert hits(mine, "DETECTIVE lodz") == hits(mine, "détective Łódź") == ["Heat"]


def test_rows_are_found_as_soon_as_they_are_visible_and_as_long(imdb: httpx.Client) -> None:
    changed = TITLES.replace("tt0000003\tshort\tMatrix\tMatrix", "tt0000003\tshort\tThe Cube\tCube")
    upload = send(imdb, "title.basics.tsv.gz", changed)
    assert hits(imdb, "matrix", type="movie") == ["The Matrix", "The Matrix Reloaded"]
    assert hits(imdb, "cube") == ["The Cube"]
    assert imdb.post(f"/uploads/{upload['id']}/undo").status_code == 200
    assert hits(imdb, "matrix", type="movie") == ["Matrix", "The Matrix", "The Matrix Reloaded"]
    assert hits(imdb, "cube") == []


def test_a_word_of_very_many_titles_finds_those_with_most_votes(
    mine: httpx.Client, load: Callable[[MovieRows], Json]
) -> None:
    rows: MovieRows = [{"title": f"Common {number}", "vote_count": str(number)} for number in range(1, 1200)]
    load([*rows, {"title": "Rare common", "vote_count": "5000"}])
    answer = mine.get("/search", params={"q": "common", "page_size": 3}).json()
    assert [item["title"] for item in answer["items"]] == ["Rare common", "Common 1199", "Common 1198"]
    assert not answer["total_is_exact"]
    assert hits(mine, "rare comm") == ["Rare common"]
    assert hits(mine, "common 77") == ["Common 77", *(f"Common {number}" for number in range(779, 769, -1))]


@pytest.mark.parametrize("params", [{}, {"q": ""}, {"q": "x" * 201}, {"q": "a", "type": "car"}, {"q": "a", "page": 11}])
def test_what_cannot_be_asked(mine: httpx.Client, params: dict[str, Any]) -> None:
    assert_problem(mine.get("/search", params=params), 422, "invalid_request")


def test_nul_is_refused(mine: httpx.Client) -> None:
    assert_problem(mine.get("/search?q=a%00b"), 422, "invalid_request")


def test_pages_together_have_each_hit_once(mine: httpx.Client) -> None:
    """Of many hits, those by alternative titles are looked for on pages that need them, and then move no other."""
    header, ratings, akas = (text.splitlines()[0] for text in (TITLES, RATINGS, AKAS))
    names = {f"tt{number:07}": f"Harbor {number}" for number in range(100, 155)} | {"tt0000155": "Puerto"}
    for name, lines in (
        ("title.basics", [header, *(f"{key}\tmovie\t{name}\t{name}" + "\t\\N" * 5 for key, name in names.items())]),
        ("title.ratings", [ratings, "tt0000155\t9.0\t1000000"]),
        ("title.akas", [akas, "tt0000155\t1\tBig Harbor" + "\t\\N" * 4 + "\t0"]),
    ):
        send(mine, f"{name}.tsv.gz", "\n".join(lines) + "\n")
    pages = [mine.get("/search", params={"q": "harbor", "page": page}).json() for page in (1, 2, 3)]
    assert [hit["title"] for page in pages for hit in page["items"]] == list(names.values())
    assert [(page["total"], page["total_is_exact"]) for page in pages] == [(55, False), (55, False), (56, True)]
