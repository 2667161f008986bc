"""Row-level security: what the role of requests sees and may do, on tables that a real load has filled."""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from shared.catalog.schemas.declaration import Declaration
from shared.catalog.write_mode import WriteMode
from shared.database.declarations import declare
from shared.database.engine import API_ROLE, create_read_engine, create_request_engine, create_sync_engine
from shared.database.tenancy import (
    all_tenants_reading,
    key_transaction,
    tenant_reading,
    tenant_transaction,
    tenantless_reading,
)
from shared.ingest.intake.default_files import ReadingOptions, set_default_file
from shared.ingest.intake.idempotency import reserve
from shared.ingest.lifecycle.plans import apply
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.operating.tenant_settings import decide
from shared.ingest.words.filler import fill_all
from shared.keys.administration import create
from shared.settings import Settings
from shared.storage.opening import open_storage
from stack.postgres import PostgresServer
from tests.conftest import BY_FILES, REGISTRY, Intake, execute, intake_to, small_settings
from tests.integration.ingest.test_loader import SMALL, never, rows, upload
from tests.rows import file_of, movies, titles

# Every table with rows of tenants, and the column that says whose a row is. No WHERE: this is about the second wall.
# A dataset of each of the other tables.
OTHERS = {dataset.table.name: dataset for dataset in REGISTRY if dataset.table.name != "movies"}
WHOSE = {
    **dict.fromkeys(OTHERS, "tenant"),
    **dict.fromkeys((f"{table}_history" for table in ("movies", *OTHERS)), "tenant"),
    "movies_superseded": "tenant",
    "collection_versions": "tenant",
    "row_changes": "upload_number",
    "touched_rows": "tenant",
    "uploads": "tenant",
    "batches": "upload_number",
    "rejects": "upload_number",
    "upload_events": "upload_number",
    "duplicates": "upload_number",
    "movies": "tenant",
    "collections": "tenant",
    "datasets": "tenant",
    "collection_totals": "tenant",
    "idempotency_keys": "tenant",
    "default_files": "tenant",
    "shots": "tenant",
    "shot_totals": "tenant",
    "vocabulary": "tenant",
    "sources": "tenant",
    "pulls": "tenant",
    "tenant_settings": "tenant",
}
DECLARED = Declaration.parse({"name": "cinemas", "schema": {"fields": [{"name": "name"}]}})
# The latter are as the one of movies.
HIDDEN = ("upload_totals", *(f"{table}_superseded" for table in OTHERS))
# They have the condition of the policy themselves, see the migration.
VIEWS = {"movies_of_tenant", "people_of_tenant", "alternative_titles_of_tenant"}
TENANTS = ("alpha", "beta")
# Just large enough for a partition of its own.
REPEATED = titles({}, {"tconst": "tt0000001"}, {"startYear": "x"})
LARGE = movies(*[{"title": "" if row % 10 == 5 else f"Film {row}", "overview": 150 * "."} for row in range(25)])

# Tables on which the role has a right, but where no policy hides rows from it.
OPEN_TABLES = f"""
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
  AND (has_table_privilege('{API_ROLE}', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege('{API_ROLE}', oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
  AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (
      SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND ARRAY[0, '{API_ROLE}'::regrole::oid] && polroles))
"""

PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')"

NEW_UPLOAD = """
INSERT INTO uploads (number, first_id, table_name, tenant, filename, dataset, dialect, header, transport, trace_id,
                     storage_key, size_bytes, sha256, content_bytes, header_bytes, forced, notified_at, corrects)
VALUES (nextval('upload_numbers'), nextval('small_first_ids'), 'movies', '{tenant}',
        'f.csv', 'movies', '{{}}', '{{}}', 'background', '', 'k', 1,
        '', 1, 1, true, now(), {corrects})
"""
NEW_BATCH = """
INSERT INTO batches (upload_number, number, byte_start, byte_end, first_line, line_feeds, begins_in_line, checksum)
VALUES ({number}, 77, 0, 1, 1, 1, false, '\\x00')
"""
NEW_KEY = (
    "INSERT INTO idempotency_keys (tenant, key, holder, lease_until) VALUES ('{tenant}', 'new', '{holder}', now())"
)
NEW_SHOT = """
INSERT INTO shots (id, tenant, collection, row_id, storage_key, sha256, media_type, width, height, size_bytes)
VALUES (gen_random_uuid(), '{tenant}', {collection}, 1, 'k', gen_random_uuid(), 'image/png', 1, 1, 1)
"""
NEW_SOURCE = """
INSERT INTO sources (id, tenant, name, address, parameters, transport)
VALUES ('{source}', '{tenant}', gen_random_uuid(), 'https://a.example/', '{{}}', 'background')
"""
NEW_PULL = """
INSERT INTO pulls (id, tenant, source, address, parameters, transport, trace_id)
VALUES (gen_random_uuid(), '{tenant}', '{source}', 'https://a.example/', '{{}}', 'background', '')
"""
# The source of each tenant.
SOURCES = {"alpha": "00000000-0000-0000-0000-00000000000a", "beta": "00000000-0000-0000-0000-00000000000b"}
HOLDER = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def request_engine(settings: Settings) -> Iterator[Engine]:
    """The engine that requests write with."""
    engine = create_request_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def filled(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database where each table has rows of each tenant; it is there as long as its server."""
    execute(server.url, "CREATE DATABASE filled TEMPLATE template")
    settings = small_settings(server.url_of("filled"), tmp_path_factory.mktemp("filled"))
    engine = create_sync_engine(settings, "test")
    loader = Loader(settings, REGISTRY, open_storage(settings))
    for tenant in TENANTS:
        fill(engine, settings, partial(intake_to(engine, settings), tenant=tenant), loader, tenant)
    fill_all(engine, REGISTRY)
    loader.close()
    engine.dispose()
    return "filled"


def fill(engine: Engine, settings: Settings, intake: Intake, loader: Loader, tenant: str) -> None:
    """Load some of everything for a tenant; some uploads have rejects, and there is an idempotency key."""
    for content in (SMALL, LARGE):
        loader.load(intake(content), never)
    loader.load(intake(REPEATED, "title.basics.tsv"), never)
    for dataset in OTHERS.values():
        for mode in (WriteMode.APPEND, WriteMode.REPLACE):
            loader.load(intake(file_of(dataset.name, {}, {}), f"{dataset.name}.csv", mode=mode), never)
    loader.load(undone := intake(SMALL), never)
    undo(engine, REGISTRY, undone, tenant)
    loader.load(intake(SMALL, mode=WriteMode.REPLACE), never)
    loader.load(intake(LARGE), never)
    reserve(engine, tenant, "key")
    add_shot(engine, tenant)
    add_source(engine, tenant)
    with engine.begin() as connection:
        decide(connection, tenant, {"concurrent_uploads": 2})
    with tenant_transaction(engine, tenant) as connection:
        assert declare(connection, tenant, DECLARED) is not None
        set_default_file(connection, settings, tenant, "movies.csv", BytesIO(SMALL), ReadingOptions())


@pytest.fixture
def database_url(request: pytest.FixtureRequest, server: PostgresServer) -> Iterator[str]:
    """A copy of the filled database for tests that ask for `numbers`, and for others an empty one."""
    name = f"test_{uuid.uuid4().hex}"
    template = request.getfixturevalue("filled") if "numbers" in request.fixturenames else "template"
    execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template} {BY_FILES}")
    yield server.url_of(name)
    execute(server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def numbers(engine: Engine) -> dict[str, list[int]]:
    """Tenant -> numbers of its uploads."""
    found = rows(engine, "SELECT tenant, array_agg(number ORDER BY number) FROM uploads GROUP BY 1")
    return {tenant: list(of_tenant) for tenant, of_tenant in found}


def add_shot(engine: Engine, tenant: str) -> None:
    """A picture of any movie of the tenant."""
    with engine.begin() as connection:
        connection.execute(text(NEW_SHOT.format(tenant=tenant, collection=collection_of(engine, tenant))))


def add_source(engine: Engine, tenant: str) -> None:
    """A source of the tenant, and a pull of it that has ended."""
    with engine.begin() as connection:
        connection.execute(text(NEW_SOURCE.format(tenant=tenant, source=SOURCES[tenant])))
        connection.execute(text(NEW_PULL.format(tenant=tenant, source=SOURCES[tenant])))
        connection.execute(text("UPDATE pulls SET state = 'failed'"))


def collection_of(engine: Engine, tenant: str) -> int:
    """The number of any collection of the tenant."""
    found = rows(engine, "SELECT min(number) FROM collections WHERE tenant = :tenant", tenant=tenant)
    return int(found[0][0])


def seen(connection: Connection, numbers: dict[str, list[int]]) -> dict[str, set[str]]:
    """Table -> tenants whose rows it shows."""
    tenants = {number: tenant for tenant, of_tenant in numbers.items() for number in of_tenant}
    return {
        table: {tenants.get(value, value) for value in connection.scalars(text(f"SELECT {column} FROM {table}"))}
        for table, column in WHOSE.items()
    }


def of(*tenants: str) -> dict[str, set[str]]:
    """What `seen` says if each table shows rows of exactly these."""
    return {table: set(tenants) for table in WHOSE}


def refusal(engine: Engine, tenant: str, sql: str) -> str:
    """Why the server refuses it; "" if it does not."""
    try:
        with tenant_transaction(engine, tenant) as connection:
            connection.execute(text(sql))
    except DBAPIError as error:
        return str(error.orig)
    return ""


@pytest.mark.usefixtures("numbers")
def test_every_table_hides_rows_or_is_closed(engine: Engine) -> None:
    # Which migrations the database has is no secret: health checks tell it.
    assert {name for (name,) in rows(engine, OPEN_TABLES)} == {"alembic_version", *VIEWS}
    for name in ("alembic_version", *VIEWS):
        writes = f"has_table_privilege('{API_ROLE}', '{name}', 'INSERT, UPDATE, DELETE, TRUNCATE')"
        assert rows(engine, f"SELECT {writes}") == [(False,)]
    tables = rows(engine, "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    assert {name for (name,) in tables} == {*WHOSE, *HIDDEN, "api_keys"}


def test_a_view_shows_the_tenants_rows_and_without_a_tenant_none(
    request_engine: Engine, numbers: dict[str, list[int]]
) -> None:
    assert numbers
    for tenant, expected in ((TENANTS[0], [TENANTS[0]]), (TENANTS[1], [TENANTS[1]]), ("", []), ("gamma", [])):
        with tenant_transaction(request_engine, tenant) as connection:
            for view in VIEWS:
                assert list(connection.scalars(text(f"SELECT DISTINCT tenant FROM {view}"))) == expected


def test_a_key_is_seen_by_who_names_it(settings: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        key, another = (create(connection, "a test", ["alpha"], ["read"], None).key for _ in range(2))

    async def seen_keys() -> list[list[str]]:
        reader = create_read_engine(settings)
        try:
            found = []
            for opened in (
                key_transaction(reader, key.id),
                tenant_reading(reader, "alpha"),
                tenantless_reading(reader),
            ):
                async with opened as connection:
                    found.append(list(await connection.scalars(text("SELECT id FROM api_keys"))))
            return found
        finally:
            await reader.dispose()

    assert asyncio.run(seen_keys()) == [[key.id], [], []]
    assert key.id != another.id


def test_the_role_is_nobody_owns_nothing_and_becomes_nobody_else(engine: Engine) -> None:
    powers = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin, rolinherit"
    assert rows(engine, f"SELECT {powers} FROM pg_roles WHERE rolname = '{API_ROLE}'") == [(False,) * 7]
    assert rows(engine, f"SELECT count(*) FROM pg_auth_members WHERE member = '{API_ROLE}'::regrole") == [(0,)]
    owned = f"SELECT count(*) FROM pg_shdepend WHERE refobjid = '{API_ROLE}'::regrole AND deptype = 'o'"
    assert rows(engine, owned) == [(0,)]
    assert rows(engine, f"SELECT has_schema_privilege('{API_ROLE}', 'public', 'CREATE')") == [(False,)]
    assert rows(engine, "SELECT count(*) FROM pg_default_acl") == [(0,)]  # new partitions bring no rights along


def test_a_writer_sees_its_tenants_rows_and_without_a_tenant_none(
    engine: Engine, request_engine: Engine, numbers: dict[str, list[int]]
) -> None:
    with all_tenants_reading(engine) as connection:
        assert seen(connection, numbers) == of(*TENANTS)
    for tenant in TENANTS:
        with tenant_transaction(request_engine, tenant) as connection:
            assert seen(connection, numbers) == of(tenant)
    for absent in ("", "gamma"):
        with tenant_transaction(request_engine, absent) as connection:
            assert seen(connection, numbers) == of()
    with all_tenants_reading(request_engine) as connection:  # the wrong engine for it
        assert seen(connection, numbers) == of()


def test_a_reader_sees_its_tenants_rows_and_without_a_tenant_none(
    settings: Settings, numbers: dict[str, list[int]]
) -> None:
    async def read() -> None:
        engine = create_read_engine(settings)
        try:
            for tenant in TENANTS:
                for is_snapshot in (False, True):
                    async with tenant_reading(engine, tenant, is_snapshot=is_snapshot) as connection:
                        found = await connection.run_sync(seen_by_session(numbers))
                    assert found == of(tenant)
            async with tenantless_reading(engine) as connection:
                assert await connection.run_sync(seen_by_session(numbers)) == of()
        finally:
            await engine.dispose()

    asyncio.run(read())


def seen_by_session(numbers: dict[str, list[int]]) -> Callable[[Connection], dict[str, set[str]]]:
    """`seen` for an async connection."""
    return lambda connection: seen(connection, numbers)


def test_nobody_writes_for_another_tenant(
    engine: Engine, request_engine: Engine, numbers: dict[str, list[int]]
) -> None:
    own, foreign = numbers["alpha"][0], numbers["beta"][0]
    allowed = [
        NEW_UPLOAD.format(tenant="alpha", corrects=own),
        NEW_BATCH.format(number=own),
        NEW_KEY.format(tenant="alpha", holder=HOLDER),
        NEW_SHOT.format(tenant="alpha", collection=collection_of(engine, "alpha")),
        NEW_SOURCE.format(tenant="alpha", source=HOLDER),
        NEW_PULL.format(tenant="alpha", source=HOLDER),
        "UPDATE sources SET address = 'https://b.example/', etag = NULL",
        f"DELETE FROM sources WHERE id = '{HOLDER}'",
    ]
    assert [refusal(request_engine, "alpha", sql) for sql in allowed] == [""] * 8
    assert rows(engine, "SELECT address FROM sources WHERE tenant = 'beta'") == [("https://a.example/",)]
    policy = "row-level security"
    refused = {
        NEW_UPLOAD.format(tenant="beta", corrects="NULL"): policy,
        NEW_UPLOAD.format(tenant="alpha", corrects=foreign): "fk_uploads_corrects",
        NEW_BATCH.format(number=foreign): policy,
        NEW_KEY.format(tenant="beta", holder=HOLDER): policy,
        NEW_SHOT.format(tenant="beta", collection=collection_of(engine, "beta")): policy,
        NEW_SHOT.format(tenant="alpha", collection=collection_of(engine, "beta")): "fk_shots_collection",
        NEW_SOURCE.format(tenant="beta", source=HOLDER): policy,
        NEW_PULL.format(tenant="beta", source=SOURCES["beta"]): policy,
        NEW_PULL.format(tenant="alpha", source=SOURCES["beta"]): "fk_pulls_source",
    }
    for sql, reason in refused.items():
        assert reason in refusal(request_engine, "alpha", sql), sql
        assert policy in refusal(request_engine, "", sql.replace("'alpha'", "''")), sql
    with tenant_transaction(request_engine, "alpha") as connection:
        assert connection.execute(text("UPDATE idempotency_keys SET answer = 'null'")).rowcount == 2
        assert connection.execute(text("DELETE FROM idempotency_keys")).rowcount == 2
    with tenant_transaction(request_engine, "beta") as connection:
        assert connection.scalar(text("SELECT count(*) FROM idempotency_keys WHERE answer IS NULL")) == 1


def test_what_no_request_does_no_request_may(
    engine: Engine, request_engine: Engine, numbers: dict[str, list[int]]
) -> None:
    own, partitions = numbers["alpha"], [name for (name,) in rows(engine, PARTITIONS)]
    kinds = {re.sub(r"\d+$", "", name) for name in partitions}
    of_tables = {f"{table}_{kind}" for table in ("movies", *OTHERS) for kind in ("t", "c", "superseded_t")}
    assert kinds == {"movies_u", "rejects_all"} | of_tables
    forbidden = [
        "UPDATE uploads SET state = 'cancelled'",
        f"UPDATE uploads SET tenant = 'beta' WHERE number = {own[0]}",
        "DELETE FROM uploads",
        "UPDATE batches SET state = 'done'",
        "SELECT session_pid FROM batches",
        "SELECT checksum FROM batches",
        "DELETE FROM rejects",
        "DELETE FROM movies",
        "UPDATE collection_totals SET row_count = 0",
        "SELECT FROM upload_totals",
        f"INSERT INTO upload_events (upload_number, event) VALUES ({own[0]}, 'completed')",
        "UPDATE idempotency_keys SET tenant = 'beta'",
        "UPDATE default_files SET tenant = 'beta'",
        "DELETE FROM default_files",
        "UPDATE shots SET tenant = 'beta'",
        "UPDATE shot_totals SET size_bytes = 0",
        "UPDATE sources SET tenant = 'beta'",
        "UPDATE sources SET upload_id = gen_random_uuid()",
        "UPDATE pulls SET state = 'fetched'",
        "DELETE FROM pulls",
        "INSERT INTO vocabulary VALUES ('alpha', 'word')",
        "DELETE FROM vocabulary",
        "SELECT FROM vocabulary_progress",
        "TRUNCATE movies",
        "DELETE FROM alembic_version",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE movies DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_requests ON movies",
        "SET row_security = off; SELECT FROM movies",
        # the partitions themselves have no policies
        *(f"SELECT FROM {table}" for table in partitions),
    ]
    for sql in forbidden:
        assert refusal(request_engine, "alpha", sql).startswith(
            ("permission denied", "must be owner", "query would be affected by row-level security")
        ), sql


def test_the_tenant_ends_with_its_transaction(settings: Settings, numbers: dict[str, list[int]]) -> None:
    engine = create_request_engine(settings.model_copy(update={"database_pool_size": 1}))
    now = text("SELECT current_setting('app.tenant', true), pg_backend_pid(), (SELECT count(*) FROM uploads)")
    try:
        with tenant_transaction(engine, "alpha") as connection:
            name, pid, uploads = connection.execute(now).one()
            assert (name, uploads) == ("alpha", len(numbers["alpha"]))
        with engine.connect() as connection:
            assert tuple(connection.execute(now).one()) == ("", pid, 0)
        with pytest.raises(ZeroDivisionError), tenant_transaction(engine, "alpha"):
            _ = 1 / 0
        with engine.connect() as connection:
            assert tuple(connection.execute(now).one()) == ("", pid, 0)
    finally:
        engine.dispose()


def test_the_readers_tenant_ends_with_its_transaction(settings: Settings, numbers: dict[str, list[int]]) -> None:
    now = text("SELECT current_setting('app.tenant', true), pg_backend_pid(), (SELECT count(*) FROM uploads)")

    async def read() -> None:
        engine = create_read_engine(settings.model_copy(update={"database_pool_size": 1}))
        try:
            async with tenant_reading(engine, "alpha") as connection:
                name, pid, uploads = (await connection.execute(now)).one()
                assert (name, uploads) == ("alpha", len(numbers["alpha"]))
                with pytest.raises(DBAPIError, match="read-only transaction"):
                    await connection.execute(text(NEW_KEY.format(tenant="alpha", holder=HOLDER)))
            async with tenantless_reading(engine) as connection:
                assert tuple((await connection.execute(now)).one()) == ("", pid, 0)
        finally:
            await engine.dispose()

    asyncio.run(read())


def test_requests_do_not_run_for_ever(request_engine: Engine) -> None:
    with tenant_transaction(request_engine, "alpha") as connection:
        settings = [connection.scalar(text(f"SHOW {name}")) for name in ("statement_timeout", "lock_timeout", "role")]
    assert settings == ["15s", "5s", API_ROLE]


def test_of_rejects_a_reader_sees_those_of_the_upload_that_it_names(
    settings: Settings, numbers: dict[str, list[int]]
) -> None:
    rejected, rejecting = text("SELECT upload_number FROM rejects"), {*numbers["alpha"][:3], *numbers["alpha"][-2:]}

    async def read() -> None:
        engine = create_read_engine(settings.model_copy(update={"database_pool_size": 1}))
        try:
            for named in (*numbers["alpha"], *numbers["beta"], 0):
                async with tenant_reading(engine, "alpha", upload_number=named) as connection:
                    assert set(await connection.scalars(rejected)) == {named} & rejecting
                async with tenant_reading(engine, "alpha") as connection:  # the name has ended with its transaction
                    assert set(await connection.scalars(rejected)) == rejecting
        finally:
            await engine.dispose()

    asyncio.run(read())


@pytest.mark.parametrize("mode", WriteMode)
def test_what_waits_for_a_decision_is_seen_by_its_tenant_until_it_is_made(
    engine: Engine, request_engine: Engine, loader: Loader, intake: Intake, mode: WriteMode
) -> None:
    """Afterwards the leaf has the rights and policies of any other."""
    loader.load(intake(LARGE, tenant="alpha"), never)
    [other] = [name for (name,) in rows(engine, PARTITIONS) if name.startswith("movies_u")]
    planned = intake(titles({}, {}), "title.basics.tsv", tenant="alpha", mode=mode, plan=True)
    number = upload(engine, planned)["number"]
    table = f"movies_{'w' if mode is WriteMode.UPSERT else 'u'}{number}"
    loader.load(planned, never)

    def visible_to(tenant: str) -> int:
        with tenant_transaction(request_engine, tenant) as connection:
            return len(connection.execute(text(f"SELECT id FROM {table}")).all())

    assert [visible_to(tenant) for tenant in ("alpha", "beta", "")] == [2, 0, 0]
    for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET title = ''", f"DROP TABLE {table}"):
        assert refusal(request_engine, "alpha", sql).startswith(("permission denied", "must be owner")), sql
    assert apply(engine, planned, "alpha", None)
    loader.load(planned, never)
    assert upload(engine, planned)["state"] == "completed"
    leaf = f"movies_u{number}"
    assert refusal(request_engine, "alpha", f"SELECT FROM {leaf}").startswith("permission denied")
    guards = f"""
        SELECT relrowsecurity, relforcerowsecurity, has_table_privilege('{API_ROLE}', oid, 'SELECT'),
               (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid)
        FROM pg_class WHERE relname = :name
    """
    assert rows(engine, guards, name=leaf) == rows(engine, guards, name=other) == [(False, False, False, 0)]
