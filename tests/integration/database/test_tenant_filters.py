"""The first wall: each statement of requests names the tenant, so it holds on the owner's connection, too.

Through HTTP no test would see it fall, because row-level security, the second wall, hides the rows all the same.
"""

import inspect
import re
import uuid
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, RowMapping, Select, text

from shared.catalog.publisher import Publisher
from shared.database.queries import movies as movie_queries
from shared.database.queries import tenants as tenant_queries
from shared.database.queries import uploads as upload_queries
from shared.database.queries.browsing import movies_by_source as by_source_queries
from shared.database.queries.browsing import people as people_queries
from shared.database.queries.browsing import publications
from shared.database.queries.browsing import series as series_queries
from shared.database.queries.browsing import shots as shot_queries
from shared.database.queries.browsing import titles as title_queries
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.browsing.shots import Record
from shared.database.queries.references import dangling_count
from shared.database.queries.versions import VERSIONS
from shared.errors import NotFound
from shared.ingest.corrections.correction_intake import find_correctable
from shared.ingest.intake.idempotency import reserve
from shared.ingest.loading.loader import Loader
from shared.ingest.manual.edit import Edit
from shared.ingest.manual.editing import Editor
from shared.settings import Settings
from shared.shots.keeping import Limits, keep
from shared.shots.picture import Picture
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import never, rows
from tests.rows import file_of, movies, titles

OWNER, OTHER = "alpha", "beta"
# One movie with a date, one without; the third record is rejected, and somebody removes the last one.
FILE = movies({}, {"release_date": ""}, {"title": ""}, {})


@dataclass(frozen=True)
class Held:
    """What the owner has; it also has an upload that waits."""

    upload_id: uuid.UUID
    removed_id: int
    movie_id: int
    collection: int
    shot: RowMapping


@pytest.fixture
def held(engine: Engine, settings: Settings, intake: Intake, loader: Loader) -> Held:
    upload_id = intake(FILE, tenant=OWNER)
    loader.load(upload_id, never)
    intake(FILE, tenant=OWNER)
    reserve(engine, OWNER, "key")
    storage = open_storage(settings)
    [[removed_id]] = rows(engine, "SELECT max(id) FROM movies")
    Editor(engine, REGISTRY, storage).apply(Edit(OWNER, "test-trace", "movies", None, removed_id, has_key=False))
    movie_id, collection = rows(engine, "SELECT id, collection FROM movies ORDER BY id")[0]
    record = Record.of_movie(movie_id, OWNER, collection, None)
    picture, limits = Picture(b"a picture", "image/png", 4, 3), Limits(1, 1000)
    shot, _ = keep(engine, storage, record, picture, limits)
    return Held(upload_id, removed_id, movie_id, collection, shot)


def statements(held: Held, tenant: str) -> dict[str, Select[Any]]:
    """Each statement about this tenant, by its name, for what the owner has."""
    listing = Listing(tenant)
    return {
        "upload_by_id": upload_queries.upload_by_id(held.upload_id, tenant),
        "upload_number": upload_queries.upload_number(held.upload_id, tenant),
        "stored_file": upload_queries.stored_file(held.upload_id, tenant),
        "uploads_page": upload_queries.uploads_page(tenant, None, None, 10, 0),
        "uploads_count": upload_queries.uploads_count(tenant, None, None),
        "unpublished_uploads_count": upload_queries.unpublished_uploads_count(tenant),
        "movies_with_key": movie_queries.movies_with_key(listing, None, 10, 0),
        "movies_without_key": movie_queries.movies_without_key(listing, None, 10, 0),
        "count_with_key": movie_queries.count_with_key(listing, 10),
        "movies_total": movie_queries.movies_total(listing),
        "movie_by_id": movie_queries.movie_by_id(held.movie_id, tenant, held.collection),
        "superseded_movie": movie_queries.superseded_movie(held.removed_id, tenant),
        "source_of": movie_queries.source_of(held.movie_id, tenant),
        "source_id_of": shot_queries.source_id_of(held.movie_id, tenant, held.collection),
        "shots_of": shot_queries.shots_of(Record.of_movie(held.movie_id, tenant, held.collection, None)),
        "shot_by_id": shot_queries.shot_by_id(held.shot["id"], tenant),
        "same_shot": shot_queries.same_shot(tenant, held.shot["sha256"]),
        "bytes_of_shots": shot_queries.bytes_of_shots(tenant),
        "tenants": tenant_queries.tenants(tenant),
    }


def found(engine: Engine, statement: Select[Any]) -> list[Any]:
    """Its rows, where views show the owner's; none also for counts of 0."""
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": OWNER})
        return [row for row in connection.execute(statement) if 0 not in row or any(row)]


def public(module: ModuleType) -> set[str]:
    functions = inspect.getmembers(module, inspect.isfunction)
    return {name for name, function in functions if function.__module__ == module.__name__ and name[0] != "_"}


def test_a_statement_finds_nothing_of_another_tenant(engine: Engine, held: Held) -> None:
    assert [name for name, statement in statements(held, OWNER).items() if not found(engine, statement)] == []
    assert [name for name, statement in statements(held, OTHER).items() if found(engine, statement)] == []


def test_every_statement_is_asked(held: Held) -> None:
    """Except those that start from an upload's number, which a request gets only from these, and an operator's."""
    modules = (upload_queries, movie_queries, shot_queries, tenant_queries)
    assert set(statements(held, OWNER)) == set().union(*map(public, modules)) - {"all_tenants"}


def test_a_reference_finds_rows_of_its_own_tenant_only(engine: Engine, intake: Intake, loader: Loader) -> None:
    ratings = file_of("title.ratings", {"tconst": "tt0000001"}, {"tconst": "tt0000002"})
    for tenant, content, name in (
        (OWNER, ratings, "title.ratings.tsv"),
        (OWNER, titles({"tconst": "tt0000001"}), "title.basics.tsv"),
        (OTHER, titles({"tconst": "tt0000002"}), "title.basics.tsv"),
    ):
        loader.load(intake(content, name, tenant=tenant), never)
    [collection] = rows(engine, "SELECT number FROM collections WHERE table_name = 'ratings'")[0]
    table, target = REGISTRY.tables["ratings"], REGISTRY.tables["movies"]
    for tenant, dangling in ((OWNER, [(1,)]), (OTHER, [])):
        statement = dangling_count(table, target, table.references[0], tenant, collection)
        assert found(engine, statement) == dangling


BY_SOURCE = "tt0000001"
FIRST = -1


@pytest.fixture
def catalogue(intake: Intake, loader: Loader) -> None:
    """The owner has a row in each of IMDb's files: about this title, its series or this person."""
    rows_of = {
        "title.basics": {},
        "title.ratings": {},
        "title.akas": {"titleId": BY_SOURCE},
        "title.crew": {},
        "title.principals": {"nconst": "nm0000001"},
        "title.episode": {"parentTconst": "tt0000002"},
        "name.basics": {"nconst": "nm0000001"},
    }
    for dataset, change in rows_of.items():
        key = {} if "titleId" in change or dataset == "name.basics" else {"tconst": BY_SOURCE}
        loader.load(intake(file_of(dataset, {**key, **change}), f"{dataset}.tsv", tenant=OWNER), never)


def browsing_statements(engine: Engine, tenant: str) -> dict[str, Select[Any]]:
    """Each statement about this tenant, by its name, for what the owner has, in the owner's collections."""
    with engine.connect() as connection:
        of_tables: dict[str, dict[int, str]] = {}
        for row in connection.execute(publications.collections_of(REGISTRY, OWNER, Publisher.IMDB)):
            of_tables.setdefault(row.table_name, {})[row.number] = row.dataset
        [person] = connection.execute(text("SELECT id, collection FROM people")).all()
    where, listing = publications.Collections(tenant, of_tables), people_queries.PeopleListing(tenant)
    return {
        "collections_of": publications.collections_of(REGISTRY, tenant, Publisher.IMDB),
        "movies_by_source": by_source_queries.movies_by_source(tenant, BY_SOURCE, None, 10),
        "titles_by_source": title_queries.titles_by_source(where, [BY_SOURCE]),
        "people_by_source": title_queries.people_by_source(where, ["nm0000001"]),
        "ratings_of": title_queries.ratings_of(where, [BY_SOURCE]),
        "credits_of_title": title_queries.credits_of_title(where, BY_SOURCE, 10),
        "crew_of_title": title_queries.crew_of_title(where, BY_SOURCE),
        "alternative_titles_of": title_queries.alternative_titles_of(where, BY_SOURCE, 10),
        "episode_of": title_queries.episode_of(where, BY_SOURCE),
        "episode_counts": title_queries.episode_counts(where, "tt0000002"),
        "episodes_of_series": series_queries.episodes_of_series(where, "tt0000002", 10),
        "people_page": people_queries.people_page(listing, people_queries.START, 10, collects=False),
        "people_with_profession": people_queries.people_page(
            people_queries.PeopleListing(tenant, profession="actor"), people_queries.START, 10, collects=True
        ),
        "count_people": people_queries.count_people(
            people_queries.PeopleListing(tenant, name_key="some"), 10, collects=False
        ),
        "kept_people": people_queries.kept_people(listing),
        "person_by_id": people_queries.person_by_id(person.id, tenant, person.collection),
        "credits_of_person": people_queries.credits_of_person(where, "nm0000001", FIRST, 10),
        "credits_count": people_queries.credits_count(where, "nm0000001", 10),
    }


@pytest.mark.usefixtures("catalogue")
def test_browsing_finds_nothing_of_another_tenant(engine: Engine) -> None:
    mine, theirs = (browsing_statements(engine, tenant) for tenant in (OWNER, OTHER))
    assert [name for name, statement in mine.items() if not found(engine, statement)] == []
    assert [name for name, statement in theirs.items() if found(engine, statement)] == []
    modules = (publications, title_queries, people_queries, series_queries, by_source_queries)
    assert set(mine) - {"people_with_profession"} | {"one_of"} == set().union(*map(public, modules))


def test_the_version_of_a_tenant_is_its_own(engine: Engine, held: Held) -> None:
    declare = "INSERT INTO datasets (tenant, name, document) VALUES (:tenant, 'mine', '{}') RETURNING number"
    with engine.begin() as connection:
        number = connection.scalar(text(declare), {"tenant": OWNER})
        owners, others = (
            connection.execute(VERSIONS, {"tenant": tenant, "dataset": "mine"}).one() for tenant in (OWNER, OTHER)
        )
    assert re.fullmatch(rf"{held.collection}:2:[0-9.]+", owners.collections)  # a load and an edit
    assert re.fullmatch(rf"{number}:1:[0-9.]+", owners.declarations)
    assert owners.is_declared
    assert tuple(others) == (owners.revision, None, None, False)


def test_nobody_corrects_another_tenants_upload(engine: Engine, held: Held) -> None:
    with engine.connect() as connection:
        assert find_correctable(connection, held.upload_id, OWNER).id == held.upload_id
        with pytest.raises(NotFound):
            find_correctable(connection, held.upload_id, OTHER)


def test_a_key_of_another_tenant_is_another_key(engine: Engine, held: Held) -> None:
    assert held
    assert reserve(engine, OTHER, "key").upload_id is None
