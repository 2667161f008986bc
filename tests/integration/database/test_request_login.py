"""The user that requests log in with: made from its URL, and without a way to the rights of others."""

import uuid
from collections.abc import Iterator

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.database.engine import API_ROLE, create_request_engine
from shared.database.request_login import UnfitLogin, prepare_api_login
from shared.database.tenancy import tenant_transaction
from shared.settings import Settings
from tests.conftest import Intake, execute
from tests.integration.ingest.test_loader import SMALL, rows


@pytest.fixture
def login(settings: Settings) -> Iterator[Settings]:
    """Settings that name a user for requests who does not exist yet."""
    name = f"requests_{uuid.uuid4().hex[:8]}"
    url = settings.sync_url.set(drivername="postgresql", username=name, password="p@ss:w/ord", query={})
    yield settings.model_copy(update={"api_database_url": url.render_as_string(hide_password=False)})
    execute(settings.database_url, f"DROP ROLE IF EXISTS {name}")


def test_the_user_of_requests_is_made_and_can_become_nobody_else(login: Settings, intake: Intake) -> None:
    intake(SMALL, tenant="alpha")
    for _ in range(2):
        prepare_api_login(login)
    engine = create_request_engine(login)
    try:
        with tenant_transaction(engine, "alpha") as connection:
            assert connection.scalar(text("SELECT count(*) FROM uploads")) == 1
        for way_out in ("RESET ROLE", "SET ROLE NONE", "SET SESSION AUTHORIZATION DEFAULT"):
            with engine.connect() as connection:
                connection.execute(text(way_out))
                # as itself it has no right at all, and is still bound by the policies
                sees = connection.scalar(text("SELECT has_table_privilege('uploads', 'SELECT')"))
                assert (sees, connection.scalar(text("SELECT current_user"))) in (
                    (False, login.request_sync_url.username),
                    (True, API_ROLE),
                )
        owner = login.sync_url.username
        with engine.connect() as connection, pytest.raises(DBAPIError, match="permission denied to set role"):
            connection.execute(text(f"SET ROLE {owner}"))
    finally:
        engine.dispose()


def test_another_password_replaces_the_first(login: Settings) -> None:
    prepare_api_login(login)
    url = login.request_sync_url.set(drivername="postgresql", password="another", query={})
    other = login.model_copy(update={"api_database_url": url.render_as_string(hide_password=False)})
    prepare_api_login(other)
    engine = create_request_engine(login)
    with pytest.raises(DBAPIError, match="password authentication failed"), tenant_transaction(engine, "alpha"):
        pass
    engine.dispose()


def test_a_user_who_may_more_is_refused(login: Settings, engine: Engine) -> None:
    with pytest.raises(UnfitLogin, match="another user"):
        prepare_api_login(login.model_copy(update={"api_database_url": login.database_url}))
    with pytest.raises(UnfitLogin, match="password"):
        prepare_api_login(login.model_copy(update={"api_database_url": "postgresql://requests@127.0.0.1/imdb"}))
    prepare_api_login(login)
    user = login.request_sync_url.username
    for more in (f"ALTER ROLE {user} CREATEDB", f"ALTER ROLE {user} NOCREATEDB BYPASSRLS"):
        execute(login.database_url, more)
        with pytest.raises(UnfitLogin, match="may do more"):
            prepare_api_login(login)
    execute(login.database_url, f"ALTER ROLE {user} NOBYPASSRLS")
    execute(login.database_url, f"GRANT pg_read_all_data TO {user}")
    with pytest.raises(UnfitLogin, match="may do more"):
        prepare_api_login(login)
    assert rows(engine, "SELECT count(*) FROM pg_auth_members WHERE member = :user ::regrole", user=user) == [(2,)]


def test_the_server_keeps_no_password(login: Settings, engine: Engine) -> None:
    stored = "SELECT passwd LIKE 'SCRAM-SHA-256$%' FROM pg_shadow WHERE usename = :user"
    prepare_api_login(login)
    assert rows(engine, stored, user=login.request_sync_url.username) == [(True,)]


def test_an_owner_who_may_make_no_users_is_told(login: Settings) -> None:
    name = f"owner_{uuid.uuid4().hex[:8]}"
    execute(login.database_url, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    try:
        url = login.sync_url.set(drivername="postgresql", username=name, password="secret", query={})
        poor = login.model_copy(update={"database_url": url.render_as_string(hide_password=False)})
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            prepare_api_login(poor)
    finally:
        execute(login.database_url, f"DROP ROLE {name}")
