"""The listing of movies: each way to read a page gives what a model gives, in a fixed number of statements."""

import asyncio
import itertools
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine

from api.browsing.movie_listing import BOUNDS, Bounds, ListedPage, Total, position_of, read_listing
from api.browsing.movie_parameters import listed_movie
from api.description.problems import is_database_away
from api.http_errors import NeedsIndex
from api.listings.movie_pages import Start
from shared.catalog.search_words import plain
from shared.catalog.write_mode import WriteMode
from shared.database.engine import create_read_engine, create_request_engine
from shared.database.models import ROWS
from shared.database.queries.browsing.bounded_scans import (
    count_with_key,
    counted,
    entries_of_other_order,
    entries_with_key,
    entries_without_key,
    voted,
    with_key,
    without_key,
)
from shared.database.queries.browsing.collected_movies import collected
from shared.database.queries.browsing.joined_ratings import latest_ratings
from shared.database.queries.browsing.kept_movie_counts import kept_counts, kept_version
from shared.database.queries.browsing.listing import Listing, SortBy
from shared.database.queries.browsing.movie_filters import MovieFilters, OfUpload, upload_range
from shared.database.queries.movies import movies_with_key
from shared.database.tenancy import tenant_transaction
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.test_loader import never, rows
from tests.rows import file_of

Row = dict[str, Any]
Reading = Callable[[AsyncEngine], Awaitable[Any]]

# Every way is taken: all movies are few, or the first entries are enough, or they are not.
COLLECTED = BOUNDS
SCANNED = Bounds(few=0, many=0, first_entries=1_000)
SCANNED_IN_VAIN = Bounds(few=0, many=0, first_entries=2)
THEN_COLLECTED = Bounds(few=0, many=1_000, first_entries=2)
THEN_FURTHER = Bounds(few=0, many=0, first_entries=1)
WAYS = (COLLECTED, SCANNED, SCANNED_IN_VAIN, THEN_COLLECTED, THEN_FURTHER)

SORTS = {
    "release_date": "release_order",
    "vote_average": "vote_average",
    "title": "title_key",
    "popularity": "vote_count",
    "runtime": "runtime",
}
FILTERS: list[dict[str, Any]] = [
    {},
    {"title": "the bla"},
    {"title": "élan"},
    {"genre": "Drama"},
    {"genre": "Western"},
    {"country": "UK"},
    {"person": "nm0000001"},
    {"title_type": "movie"},
    {"min_votes": 20},
    {"year_from": 1990, "year_to": 1999},
    {"year_to": 1985},
    {"source_id": "tt0000003"},
    {"genre": "Drama", "min_votes": 20, "title": "the"},
    {"genre": "Comedy", "title_type": "movie", "year_from": 1990},
    {"person": "nm0000001", "min_votes": 20},
]
BY_INDEX = (
    (MovieFilters(title="the"), "words"),
    (MovieFilters(genre="Drama"), "genres"),
    (MovieFilters(country="UK"), "countries"),
)
TITLES = ("The Black Cat", "Élan", "the blade", "Alien", "The Elan of Them", "Don't Look")


@pytest.fixture
def listed(engine: Engine, intake: Intake, loader: Loader) -> list[Row]:
    """The movies of several files: with votes of their own, with those of ratings, and with none; ids that repeat."""
    chance = random.Random(5)  # noqa: S311  an order, not a secret

    def load(dataset: str, changes: list[dict[str, str]], tenant: str = "public") -> None:
        name = f"{dataset}.tsv" if "." in dataset else f"{dataset}.csv"
        loader.load(intake(file_of(dataset, *changes), name, tenant=tenant, mode=WriteMode.APPEND), never)

    def title(number: int) -> dict[str, str]:
        return {
            "tconst": f"tt{number:07}",
            "titleType": chance.choice(("movie", "short")),
            "primaryTitle": chance.choice(TITLES),
            "startYear": chance.choice(("1980", "1991", "1995", "\\N")),
            "runtimeMinutes": chance.choice(("90", "100", "\\N")),
            "genres": chance.choice(("Drama,Comedy", "Comedy", "Drama", "\\N")),
        }

    ids = list(range(1, 31))
    load("title.basics", [title(number) for number in ids])
    load("title.basics", [title(number) for number in ids[:5]])
    votes = [{"tconst": f"tt{number:07}", "numVotes": chance.choice(("10", "20", "30"))} for number in ids[::2]]
    load("title.ratings", [each | {"averageRating": chance.choice(("5.5", "8.1"))} for each in votes])
    load("title.ratings", [{"tconst": "tt0000003", "numVotes": "25", "averageRating": "9.9"}, {"tconst": "tt0499549"}])
    load("title.principals", [{"tconst": f"tt{number:07}", "nconst": "nm0000001"} for number in ids[::3]])
    load("name.basics", [{"nconst": "nm0000001"}])
    load("imdb_5000", [{"movie_title": chance.choice(TITLES), "num_voted_users": v} for v in ("10", "20", "30", "")])
    # a collection in which some have votes of their own, and a rating as well
    load(
        "films",
        [{"id": "tt0000005", "User Rating": "6.0"}, {"id": "tt0000007", "User Rating": ""}, {"id": "tt0000002"}],
    )
    load("title.basics", [title(number) for number in ids], tenant="other")
    load("title.ratings", [{"tconst": "tt0000002", "numVotes": "99"}], tenant="other")
    return list(modelled(engine))


def modelled(engine: Engine) -> Iterator[Row]:
    """All movies of the tenant, with the votes that they show and the position that they are sorted by."""
    names = "id source_id title_key title_type genres countries release_order runtime vote_average vote_count".split()
    found = rows(
        engine, "SELECT source_id, id, vote_average, vote_count FROM ratings WHERE tenant = 'public' ORDER BY id"
    )
    ratings = {source_id: (number, average, count) for source_id, number, average, count in found}
    credited = {source_id for (source_id,) in rows(engine, "SELECT title_id FROM credits WHERE tenant = 'public'")}
    for row in rows(engine, f"SELECT {', '.join(names)} FROM movies WHERE tenant = 'public'"):
        movie = dict(zip(names, row, strict=True)) | {"position": row[0], "person": row[1] in credited}
        if movie["vote_count"] is None and movie["vote_average"] is None and row[1] in ratings:
            movie["position"], movie["vote_average"], movie["vote_count"] = ratings[row[1]]
        yield movie


def passes(movie: Row, filters: dict[str, Any]) -> bool:
    words = plain(filters.get("title", "")).split()
    has = movie["title_key"].split()
    year = None if movie["release_order"] is None else movie["release_order"] // 10_000
    return (
        all(word in has for word in words[:-1])
        and (not words or any(word.startswith(words[-1]) for word in has))
        and ("genre" not in filters or filters["genre"] in (movie["genres"] or ()))
        and ("country" not in filters or filters["country"] in (movie["countries"] or ()))
        and ("person" not in filters or movie["person"])
        and filters.get("title_type", movie["title_type"]) == movie["title_type"]
        and filters.get("source_id", movie["source_id"]) == movie["source_id"]
        and ("min_votes" not in filters or (movie["vote_count"] or 0) >= filters["min_votes"])
        and ("year_from" not in filters or (year is not None and year >= filters["year_from"]))
        and ("year_to" not in filters or (year is not None and year <= filters["year_to"]))
    )


def expected(movies: list[Row], filters: dict[str, Any], sort_by: str, *, is_descending: bool) -> list[int]:
    """Ids in the promised order: by key, by the id of the row that has it, by the movie's; without a key last."""
    key = SORTS[sort_by]
    chosen = [movie for movie in movies if passes(movie, filters)]
    known = [movie for movie in chosen if movie[key] is not None]
    unknown = [movie for movie in chosen if movie[key] is None]
    is_joined = key.startswith("vote")
    known.sort(
        key=lambda movie: (movie[key], movie["position"] if is_joined else movie["id"], movie["id"]),
        reverse=is_descending,
    )
    unknown.sort(key=lambda movie: int(movie["id"]), reverse=is_descending)
    return [movie["id"] for movie in known + unknown]


def reading(settings: Settings, read: Reading) -> Any:
    async def run() -> Any:
        engine = create_read_engine(settings)
        try:
            return await read(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())


async def by_cursor(engine: AsyncEngine, listing: Listing, size: int, bounds: Bounds) -> list[int]:
    ids: list[int] = []
    start = Start()
    while True:
        page = await read_listing(engine, listing, start, size + 1, bounds)
        assert page.total.count >= len(page.rows)
        ids += [row["id"] for row in page.rows[:size]]
        if len(page.rows) <= size:
            return ids
        start = Start(position=position_of(listing, page.rows[size - 1]))


async def by_number(engine: AsyncEngine, listing: Listing, size: int, bounds: Bounds) -> list[int]:
    ids: list[int] = []
    for number in itertools.count():
        page = await read_listing(engine, listing, Start(offset=number * size), size + 1, bounds)
        ids += [row["id"] for row in page.rows[:size]]
        if not page.rows:
            return ids
    raise AssertionError


@pytest.mark.parametrize("sort_by", SORTS)
def test_each_way_gives_each_filter_and_order(settings: Settings, listed: list[Row], sort_by: Any) -> None:
    async def read(engine: AsyncEngine) -> None:
        for filters, is_descending in itertools.product(FILTERS, (True, False)):
            ids = expected(listed, filters, sort_by, is_descending=is_descending)
            listing = Listing("public", None, None, sort_by, is_descending, None, MovieFilters(**filters))
            for bounds in WAYS:
                page = await read_listing(engine, listing, Start(), 100, bounds)
                assert ([row["id"] for row in page.rows], page.total) == (ids, Total(len(ids))), (filters, bounds)
                if len(ids) > 5 and is_descending:
                    assert await by_cursor(engine, listing, len(ids) // 3, bounds) == ids, (filters, bounds)
            if len(ids) > 5 and not is_descending:
                assert await by_number(engine, listing, len(ids) // 2, SCANNED) == ids, filters
                assert await by_number(engine, listing, len(ids) // 2, COLLECTED) == ids, filters

    reading(settings, read)


@pytest.mark.parametrize("sort_by", ["vote_average", "popularity"])
def test_a_short_page_is_the_beginning_of_both_orders(settings: Settings, listed: list[Row], sort_by: Any) -> None:
    """Although the first entries of one of them fill it, while better ones are further on in the other."""

    async def read(engine: AsyncEngine) -> None:
        for filters, is_descending, limit, first in itertools.product(FILTERS, (True, False), (1, 2, 4), (2, 4)):
            listing = Listing("public", None, None, sort_by, is_descending, None, MovieFilters(**filters))
            bounds = Bounds(few=0, many=1_000, first_entries=first)
            page = await read_listing(engine, listing, Start(), limit, bounds)
            ids = expected(listed, filters, sort_by, is_descending=is_descending)
            assert [row["id"] for row in page.rows] == ids[:limit], (filters, is_descending, limit, first)

    reading(settings, read)


def test_the_bounds_matter(settings: Settings, listed: list[Row]) -> None:
    """What kept sums do not know is counted to a bound, and never to less than what a page shows."""
    drama = Listing("public", None, None, "title", False, None, MovieFilters(genre="Drama", title_type="movie"))
    found = len(expected(listed, {"genre": "Drama", "title_type": "movie"}, "title", is_descending=False))

    async def read(engine: AsyncEngine) -> list[Total]:
        bounds = [replace(SCANNED, counted=counted) for counted in (1, 1_000)]
        return [(await read_listing(engine, drama, Start(), 3, each)).total for each in bounds]

    assert found > 3
    assert reading(settings, read) == [Total(3, is_exact=False), Total(found)]


def test_votes_are_those_of_the_file_or_of_the_latest_rating(settings: Settings, listed: list[Row]) -> None:
    async def read(engine: AsyncEngine) -> ListedPage:
        return await read_listing(engine, Listing("public"), Start(), 100)

    page = reading(settings, read)
    shown = {movie["id"]: movie for movie in (listed_movie(page, row) for row in page.rows)}
    assert len(shown) == len(listed)
    for movie in listed:
        found = shown[movie["id"]]
        assert (found["vote_average"], found["vote_count"]) == (movie["vote_average"], movie["vote_count"])
        has_own = movie["position"] == movie["id"]
        own_source = "imdb_5000" if movie["source_id"] is None else "films"
        source = own_source if has_own else "title.ratings"
        assert found["rating_source"] == (source if movie["vote_average"] is not None else None)
    sources = {movie["rating_source"] for movie in shown.values()}
    assert sources == {"imdb_5000", "films", "title.ratings", None}
    latest = [movie for movie in shown.values() if movie["source_id"] == "tt0000003"]
    assert [movie["vote_average"] for movie in latest] == [9.9, 9.9]


def test_the_number_of_statements_does_not_depend_on_the_rows(settings: Settings, listed: list[Row]) -> None:
    async def count(engine: AsyncEngine, listing: Listing, limit: int, bounds: Bounds) -> int:
        statements: list[str] = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        await read_listing(engine, listing, Start(), limit, bounds)
        return len(statements)

    async def read(engine: AsyncEngine) -> set[int]:
        await read_listing(engine, Listing("public"), Start(), 1)  # the first connection asks more
        return {
            await count(
                engine, Listing("public", None, None, "popularity", True, None, MovieFilters(**filters)), limit, way
            )
            for filters, way, limit in itertools.product(FILTERS, WAYS, (2, 100))
        }

    assert listed
    assert max(reading(settings, read)) <= 12


def test_where_an_index_serves_the_page_a_slow_database_is_not_told_as_a_missing_index(
    settings: Settings, database_url: str, listed: list[Row]
) -> None:
    orders = Listing("public"), Listing("public", filters=MovieFilters(genre="Drama"))

    async def read(requests: AsyncEngine) -> list[Any]:
        return await asyncio.gather(
            *(read_listing(requests, each, Start(), 1, SCANNED) for each in orders), return_exceptions=True
        )

    assert listed
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE movies IN ACCESS EXCLUSIVE MODE")  # both wait for longer than they may
        slow, without_index = reading(settings, read)
    assert is_database_away(slow)
    assert isinstance(without_index, NeedsIndex)


def test_few_with_so_many_votes_are_found_at_once(settings: Settings, listed: list[Row]) -> None:
    """Although no kept sum says how few they are: the order's index is not looked at in vain."""

    async def read(engine: AsyncEngine) -> list[int]:
        statements, counts = list[str](), list[int]()
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        for least in (99, 1):
            statements.clear()
            listing = Listing("public", None, None, "title", False, None, MovieFilters(min_votes=least))
            await read_listing(engine, listing, Start(), 100, Bounds(few=5, many=0, first_entries=2))
            counts.append(sum("sort_key" in sql for sql in statements))
        return counts

    assert max(movie["vote_count"] or 0 for movie in listed) < 99
    few, many = reading(settings, read)
    assert few == 1
    assert many > 1


def test_all_that_pass_are_found_with_memory_for_them(settings: Settings, listed: list[Row]) -> None:
    async def read(engine: AsyncEngine) -> list[str]:
        statements: list[str] = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        await read_listing(engine, Listing("public", filters=MovieFilters(genre="Drama")), Start(), 5, COLLECTED)
        return statements

    assert listed
    statements = reading(settings, read)
    [finding] = [number for number, sql in enumerate(statements) if "MATERIALIZED" in sql]
    assert "work_mem" in statements[finding - 1]


def test_only_collections_with_the_country_are_looked_at(settings: Settings, engine: Engine, listed: list[Row]) -> None:
    [[films]] = rows(engine, "SELECT number FROM collections WHERE tenant = 'public' AND dataset = 'imdb_5000'")

    async def read(engine: AsyncEngine) -> list[str]:
        statements: list[str] = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        listing = Listing("public", sort_by="vote_average", filters=MovieFilters(country="UK"))
        for bounds in WAYS:
            page = await read_listing(engine, listing, Start(), 100, bounds)
            ids = expected(listed, {"country": "UK"}, "vote_average", is_descending=True)
            assert [row["id"] for row in page.rows] == ids
        return [sql for sql in statements if "FROM movies" in sql]

    statements = reading(settings, read)
    assert len(statements) >= len(WAYS)
    assert [sql for sql in statements if f"collection IN ({films})" not in sql] == []


@pytest.mark.parametrize("sort_by", ["title", "popularity"])
def test_a_type_of_titles_is_found_by_its_index(settings: Settings, listed: list[Row], sort_by: SortBy) -> None:
    listing = Listing("public", sort_by=sort_by, filters=MovieFilters(title_type="short"))
    finding = movies_with_key(listing, None, 5, 0) if listing.is_one_range else collected(listing, None, 5, 0)
    assert listed
    requests = create_request_engine(settings)
    try:
        sql = finding.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
        with tenant_transaction(requests, "public") as connection:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # the tables are small
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}").scalars())
        assert re.search(r"on movies_c\d+_type_title\b|using movies_c\d+_type_title\b", plan), plan
        assert "Sort Key: movies.title_key" not in plan
    finally:
        requests.dispose()


def test_each_statement_names_the_tenant(engine: Engine, listed: list[Row]) -> None:
    """On the owner's connection, whom no policy binds."""
    assert listed
    title, upload_id = MovieFilters(title="the"), rows(engine, "SELECT id FROM uploads WHERE tenant = 'public'")[0][0]

    def found(tenant: str) -> dict[str, bool]:
        listing = Listing(tenant, None, None, "popularity", True, None, title, is_rated=True)
        few = replace(listing, filters=MovieFilters(person="nm0000001", min_votes=1))
        kept = kept_counts(listing).subquery()
        statements: dict[str, Any] = {
            "with_key": with_key(listing, None, 5, 0, 100),
            "without_key": without_key(listing, None, 5, 0, 100),
            "entries_with_key": entries_with_key(listing, None, 5),
            "entries_of_own": entries_of_other_order(listing, None, 5, (0, 1, 2)),
            "entries_of_ratings": entries_of_other_order(listing, None, 5, (0, 1, 1)),
            "entries_without_key": entries_without_key(listing, None, 5),
            "count_with_key": count_with_key(listing, 5, 100),
            "counted": counted(listing, 100),
            "voted": voted(few, 5),
            "collected": collected(few, None, 5, 0),
            "kept_counts": select(kept.c.held, kept.c.counts[ROWS], kept.c.is_rated, kept.c.datasets),
            "kept_version": kept_version(tenant),
            "latest_ratings": latest_ratings(tenant, ["tt0000001", "tt0000003"]),
            "upload_range": upload_range(upload_id, tenant),
        }
        with tenant_transaction(engine, "public") as connection:  # what the view is asked for
            return {name: any(connection.execute(each).first() or ()) for name, each in statements.items()}

    assert set(found("public").values()) == {True}
    assert set(found("nobody").values()) == {False}


def test_words_and_lists_are_found_by_an_index(settings: Settings, listed: list[Row]) -> None:
    assert listed
    requests = create_request_engine(settings)
    try:
        for wanted, name in BY_INDEX:
            statement = collected(Listing("public", filters=wanted), None, 5, 0)
            sql = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
            with tenant_transaction(requests, "public") as connection:
                connection.execute(text("SET LOCAL enable_seqscan = off"))  # the tables are small
                plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}").scalars())
            assert re.search(rf"Bitmap Index Scan on movies_c\d+_{name}\b", plan), plan
    finally:
        requests.dispose()


def test_of_an_upload_or_a_dataset(settings: Settings, engine: Engine, listed: list[Row]) -> None:
    uploads = rows(
        engine, "SELECT number, first_id, collection, table_name FROM uploads WHERE tenant = 'public' ORDER BY 1"
    )
    first, second = uploads[:2]
    [ratings] = [each for each in uploads if each[3] == "ratings"][:1]
    of = {
        MovieFilters(upload=OfUpload(*first[:2])): 30,
        MovieFilters(upload=OfUpload(*second[:2])): 5,
        MovieFilters(upload=OfUpload(*ratings[:2])): 0,
        MovieFilters(collection=first[2]): 35,
        MovieFilters(collection=first[2], upload=OfUpload(*second[:2])): 5,
        MovieFilters(collection=uploads[-1][2], upload=OfUpload(*second[:2])): 0,
    }
    assert listed

    async def read(engine: AsyncEngine) -> None:
        for filters, count in of.items():
            sorts: tuple[SortBy, ...] = ("release_date", "vote_average", "title", "popularity", "runtime")
            for sort_by, way in itertools.product(sorts, WAYS):
                page = await read_listing(
                    engine, Listing("public", None, None, sort_by, True, None, filters), Start(), 50, way
                )
                assert (len(page.rows), page.total) == (count, Total(count)), (filters, sort_by, way)

    reading(settings, read)
