"""The first wall of the search: each statement names the tenant, so it holds on the owner's connection, too."""

import inspect
from typing import Any

from sqlalchemy import CompoundSelect, Engine, Select, text

from shared.database.queries.browsing.breakdowns import value_counts
from shared.database.queries.search import people, titles, vocabulary
from shared.database.queries.search.matching import Query
from shared.ingest.loading.loader import Loader
from shared.ingest.words.filler import fill_all
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import never
from tests.rows import file_of

OWNER, OTHER = "alpha", "beta"
TITLES = {"tconst": "tt0000001", "primaryTitle": "Metropolis", "genres": "Drama"}
FILMS = {"title": "Metropolis", "overview": "Metropolis of the future", "vote_count": "9"}


def statements(tenant: str, movie: int, person: int) -> dict[str, Select[Any] | CompoundSelect[Any]]:
    words, overview = Query("metropolis").text_query(), Query("future").text_query()
    return {
        "titles.count_beginning": titles.count_beginning().params(tenant=tenant, text="metro"),
        "titles.beginning": titles.beginning().params(tenant=tenant, text="metro"),
        "titles.with_words": titles.with_words(()).params(tenant=tenant, query=words),
        "titles.with_alternative_words": titles.with_alternative_words(()).params(tenant=tenant, query="metropole"),
        "titles.with_overview_words": titles.with_overview_words(()).params(tenant=tenant, query=overview),
        "titles.popular": titles.popular(10).params(tenant=tenant),
        "titles.popular_by_ratings": titles.popular_by_ratings(10).params(tenant=tenant),
        "titles.votes_of": titles.votes_of().params(tenant=tenant, source_ids=["tt0000001"]),
        "titles.shown": titles.shown().params(tenant=tenant, ids=[movie]),
        "people.count_beginning": people.count_beginning().params(tenant=tenant, text="fritz"),
        "people.beginning": people.beginning().params(tenant=tenant, text="fritz"),
        "people.with_words": people.with_words(()).params(tenant=tenant, query="lang"),
        "people.among_first": people.among_first().params(tenant=tenant, begun=" lan"),
        "people.shown": people.shown().params(tenant=tenant, ids=[person]),
        "vocabulary.known_words": vocabulary.known_words(tenant, ["metropolis"]),
        "vocabulary.known_beginnings": vocabulary.known_beginnings(tenant, ["metro"]),
        "vocabulary.words_with": vocabulary.words_with(tenant, ["metro"], 4, 40, 10),
    }


def test_a_statement_finds_nothing_of_another_tenant(engine: Engine, intake: Intake, loader: Loader) -> None:
    for content, name in (
        (file_of("title.basics", TITLES), "title.basics.tsv"),
        (file_of("tmdb_movies", FILMS), "tmdb.csv"),
        (file_of("title.ratings", {"tconst": "tt0000001"}), "title.ratings.tsv"),
        (file_of("title.akas", {"titleId": "tt0000001", "title": "Metropole"}), "title.akas.tsv"),
        (file_of("name.basics", {"primaryName": "Fritz Lang"}), "name.basics.tsv"),
    ):
        loader.load(intake(content, name, tenant=OWNER), never)
    fill_all(engine, REGISTRY)
    with engine.connect() as connection:
        movie = connection.scalar(text("SELECT min(id) FROM movies")) or 0
        person = connection.scalar(text("SELECT min(id) FROM people")) or 0
        # the views show the rows of this tenant, and the statements must name it all the same
        connection.execute(text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": OWNER})
        for name, statement in statements(OWNER, movie, person).items():
            assert connection.execute(statement).scalars().first(), name
        for name, statement in statements(OTHER, movie, person).items():
            assert not connection.execute(statement).scalars().first(), name
        assert connection.execute(value_counts(OWNER, "genre", None, "name")).all()
        assert connection.execute(value_counts(OTHER, "genre", None, "name")).all() == []


def test_every_statement_is_asked() -> None:
    made = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (titles, people, vocabulary)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert made == set(statements(OWNER, 1, 1))
