"""Typing mistakes: what is found instead, and that the answer says so."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from api.search.engine import Found, HitType, Search
from api.search.postgres import PostgresSearch
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.words.filler import fill_all
from shared.ingest.words.word_indexes import WordIndexes
from tests.conftest import REGISTRY, Intake
from tests.integration.browsing.conftest import Asker, Load
from tests.integration.ingest.test_loader import never
from tests.rows import file_of

# `find(text, type="movie")`
Find = Callable[..., Found]

TITLES = ("The Godfather", "Alien", "Allein", "Stranger Things", "Strange Things", "Metropolis", "Kill Bill")
VOTES = (2000, 900, 10, 1500, 3, 100, 50)


@pytest.fixture
def find(ask: Asker) -> Find:
    """Searches as the route does."""

    def find(text: str, type: HitType | None = None, tenant: str = "public", offset: int = 0) -> Found:  # noqa: A002
        search = Search(tenant, text, frozenset([type] if type else HitType), 20, offset)
        found: Found = ask(lambda engine: PostgresSearch(engine).search(search))
        return found

    return find


@pytest.fixture
def library(engine: Engine, load: Load) -> None:
    """A few films, people, and the words of all of them."""
    films = [
        {"title": title, "original_title": "", "overview": "", "vote_count": str(votes)}
        for title, votes in zip(TITLES, VOTES, strict=True)
    ]
    load("movies", *films)
    load("name.basics", {"primaryName": "Arnold Schwarzenegger"}, {"nconst": "nm0000002", "primaryName": "Klein"})
    fill_all(engine, REGISTRY)


def names(found: Found) -> list[str]:
    return [hit.get("title") or hit["name"] for hit in found.hits]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("typed", "corrected", "first"),
    [
        ("godfahter", "godfather", "The Godfather"),
        ("the godfahter", "the godfather", "The Godfather"),
        ("godfather teh", None, None),
        ("godfaht", "godfath", "The Godfather"),
        ("rodfather", "godfather", "The Godfather"),
        ("METROPOLSI", "metropolis", "Metropolis"),
        ("metropoli", None, "Metropolis"),
        ("schwarzeneger arnold", "schwarzenegger arnold", "Arnold Schwarzenegger"),
        ("arnlod schwarzeneger", "arnold schwarzenegger", "Arnold Schwarzenegger"),
        ("arnold swarz", None, None),
        ("kil bill", None, None),
        ("kill bilk", "kill bill", "Kill Bill"),
        ("alien godfather", None, None),
        ("godfahter alein metropolsi strangr", None, None),
        ("1985", None, None),
    ],
)
def test_what_is_found_instead(find: Find, typed: str, corrected: str | None, first: str | None) -> None:
    found = find(typed)
    assert (found.corrected, next(iter(names(found)), None)) == (corrected, first)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("typed", "corrected", "hits"),
    [
        ("strangr things", "stranger things", ["Stranger Things"]),
        ("alein", "alien", ["Alien"]),
        ("kleon", "klein", ["Klein"]),
    ],
)
def test_votes_decide_which_of_several_words_was_meant(find: Find, typed: str, corrected: str, hits: list[str]) -> None:
    found = find(typed)
    assert (found.corrected, names(found)) == (corrected, hits)


@pytest.mark.usefixtures("library")
def test_words_of_people_decide_if_no_title_does(find: Find, load: Load, engine: Engine) -> None:
    load("name.basics", {"primaryName": "Anna Weber"}, {"nconst": "nm0000002", "primaryName": "Weser"})
    load("title.basics", {"primaryTitle": "Ein Wever", "originalTitle": "Ein Wever"})
    fill_all(engine, REGISTRY)
    assert (find("wexer").corrected, find("anna wexer").corrected) == ("wever", "anna weber")


def test_votes_of_a_file_of_ratings_decide_as_well(engine: Engine, find: Find, load: Load) -> None:
    """Also beyond the titles with the most votes, among which the words are looked for first."""
    names = [{"tconst": f"tt1{number:06}", "primaryTitle": f"Filler {number}"} for number in range(505)]
    wanted = [{"tconst": f"tt2{key:06}", "primaryTitle": name} for key, name in enumerate(("Wever", "Weber", "Weser"))]
    load("title.basics", *names, *wanted)
    votes = [*((row["tconst"], 1000) for row in names), *zip((row["tconst"] for row in wanted), (3, 9, 5), strict=True)]
    load("title.ratings", *({"tconst": key, "numVotes": str(count)} for key, count in votes))
    fill_all(engine, REGISTRY)
    WordIndexes(engine, REGISTRY).build_all()
    assert find("wexer").corrected == "weber"


@pytest.mark.usefixtures("library")
def test_what_somebody_asks_for_decides_too(find: Find) -> None:
    found = find("alein", HitType.PERSON)
    assert (found.corrected, names(found)) == ("klein", ["Klein"])


@pytest.mark.usefixtures("library")
def test_what_is_found_as_typed_is_not_corrected(find: Find) -> None:
    for typed in ("strange", "allein", "godfather"):
        found = find(typed)
        assert names(found)
        assert found.corrected is None


@pytest.mark.usefixtures("library")
def test_a_page_behind_the_last_one_is_of_the_same_search(find: Find) -> None:
    found = find("godfahter", offset=20)
    assert (found.hits, found.total, found.corrected) == ([], 1, "godfather")


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("schwrazeneger", "schwarzenegger"),
        ("metrpolsi", "metropolis"),
        ("mmetropoliss", "metropolis"),
        ("eetropol", "metropol"),  # which begins a word
        ("schwarzenegre", "schwarzenegger"),
        ("klieen", None),  # too short for two
        ("shcwrazeneger", None),  # three
    ],
)
def test_two_mistakes_in_a_longer_word(find: Find, typed: str, corrected: str | None) -> None:
    assert find(typed).corrected == corrected


def test_words_of_another_tenant_correct_nothing(engine: Engine, find: Find, load: Load) -> None:
    film = {"title": "Metropolis", "original_title": "", "overview": ""}
    load("movies", film, tenant="alpha")
    load("movies", film | {"title": "Casablanca"}, tenant="beta")
    fill_all(engine, REGISTRY)
    assert find("metropolsi", tenant="alpha").corrected == "metropolis"
    for typed in ("metropolsi", "metrpolsi", "metrop"):
        assert (find(typed, tenant="beta").hits, find(typed, tenant="beta").corrected) == ([], None)


def test_a_word_without_rows_leads_to_nothing(engine: Engine, find: Find, intake: Intake, loader: Loader) -> None:
    upload_id: uuid.UUID = intake(file_of("movies", {"title": "Metropolis", "original_title": ""}), "movies.csv")
    loader.load(upload_id, never)
    fill_all(engine, REGISTRY)
    assert find("metropolsi").corrected == "metropolis"
    undo(engine, REGISTRY, upload_id, "public")
    found: Any = find("metropolsi")
    assert (found.hits, found.total, found.is_exact, found.corrected) == ([], 0, True, None)
