"""The first wall: each statement of requests names the tenant, so it holds on the owner's connection, too.

Through HTTP no test would see it fall, because row-level security, the second wall, hides the rows all the same.
"""

import inspect
import uuid
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, Select

from shared.database.queries import movies as movie_queries
from shared.database.queries import tenants as tenant_queries
from shared.database.queries import uploads as upload_queries
from shared.database.queries.movies import Listing
from shared.database.queries.references import dangling_count
from shared.errors import NotFound
from shared.ingest.corrections.correction_intake import find_correctable
from shared.ingest.intake.idempotency import reserve
from shared.ingest.loading.loader import Loader
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import never, rows
from tests.rows import file_of, movies, titles

OWNER, OTHER = "alpha", "beta"
# One movie with a date, one without; the third record is rejected.
FILE = movies({}, {"release_date": ""}, {"title": ""})


@dataclass(frozen=True)
class Held:
    """What the owner has; it also has an upload that waits."""

    upload_id: uuid.UUID
    movie_id: int
    collection: int


@pytest.fixture
def held(engine: Engine, intake: Intake, loader: Loader) -> Held:
    upload_id = intake(FILE, tenant=OWNER)
    loader.load(upload_id, never)
    intake(FILE, tenant=OWNER)
    reserve(engine, OWNER, "key")
    return Held(upload_id, *rows(engine, "SELECT id, collection FROM movies ORDER BY id")[0])


def statements(held: Held, tenant: str) -> dict[str, Select[Any]]:
    """Each statement about this tenant, by its name, for what the owner has."""
    listing = Listing(tenant)
    return {
        "upload_by_id": upload_queries.upload_by_id(held.upload_id, tenant),
        "upload_number": upload_queries.upload_number(held.upload_id, tenant),
        "stored_file": upload_queries.stored_file(held.upload_id, tenant),
        "uploads_page": upload_queries.uploads_page(tenant, None, 10, 0),
        "uploads_count": upload_queries.uploads_count(tenant, None),
        "unpublished_uploads_count": upload_queries.unpublished_uploads_count(tenant),
        "movies_with_key": movie_queries.movies_with_key(listing, None, 10, 0),
        "movies_without_key": movie_queries.movies_without_key(listing, None, 10, 0),
        "count_with_key": movie_queries.count_with_key(listing, 10),
        "movies_total": movie_queries.movies_total(listing),
        "movie_by_id": movie_queries.movie_by_id(held.movie_id, tenant, held.collection),
        "source_of": movie_queries.source_of(held.movie_id, tenant),
        "tenants": tenant_queries.tenants(tenant),
    }


def found(engine: Engine, statement: Select[Any]) -> list[Any]:
    """Its rows; none also for a count of 0."""
    with engine.connect() as connection:
        return [row for row in connection.execute(statement) if tuple(row) not in ((0,), (0, 0))]


def public(module: ModuleType) -> set[str]:
    functions = inspect.getmembers(module, inspect.isfunction)
    return {name for name, function in functions if function.__module__ == module.__name__ and name[0] != "_"}


def test_a_statement_finds_nothing_of_another_tenant(engine: Engine, held: Held) -> None:
    assert [name for name, statement in statements(held, OWNER).items() if not found(engine, statement)] == []
    assert [name for name, statement in statements(held, OTHER).items() if found(engine, statement)] == []


def test_every_statement_is_asked(held: Held) -> None:
    """Except those that start from an upload's number, which a request gets only from these."""
    modules = (upload_queries, movie_queries, tenant_queries)
    assert set(statements(held, OWNER)) == set().union(*map(public, modules))


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


def test_nobody_corrects_another_tenants_upload(engine: Engine, held: Held) -> None:
    with engine.connect() as connection:
        assert find_correctable(connection, held.upload_id, OWNER).id == held.upload_id
        with pytest.raises(NotFound):
            find_correctable(connection, held.upload_id, OTHER)


def test_a_key_of_another_tenant_is_another_key(engine: Engine, held: Held) -> None:
    assert held
    assert reserve(engine, OTHER, "key").upload_id is None
