"""The user that the API's requests log in with, created from its URL: a member of `imdb_api` and of no other role.

Without such a user, requests log in as the owner and switch to the role; injected SQL could switch back.
"""

from contextlib import closing
from typing import Any, Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812  it is a class
from psycopg2.extensions import encrypt_password
from sqlalchemy.engine import URL

from shared.database.engine import API_ROLE
from shared.settings import Settings

_IS_THERE: Final = "SELECT FROM pg_roles WHERE rolname = %s"
_CREATE: Final = sql.SQL("CREATE ROLE {user} LOGIN NOINHERIT PASSWORD {password} IN ROLE {role}")
_CHANGE: Final = sql.SQL("ALTER ROLE {user} LOGIN PASSWORD {password}")
# The rights of the user beyond its own tables, and the roles that it may switch to.
_POWERS: Final = """
SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication,
       ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = login.oid)
FROM pg_roles AS login WHERE rolname = %s
"""


class UnfitLogin(Exception):
    """The user of `api_database_url` is missing, is the owner, or may do more than requests need."""


def prepare_api_login(settings: Settings) -> None:
    """Create the user, or give it the password of the URL, unless it can log in already.

    Raises `UnfitLogin`, and errors of psycopg2: `InsufficientPrivilege` if the owner may not create users.
    """
    url = settings.request_sync_url
    if not url.username or not url.password:
        raise UnfitLogin("it must name a user and a password")
    if url.username == settings.sync_url.username:
        raise UnfitLogin("it must name another user than DATABASE_URL, which names the owner of the tables")
    with closing(psycopg2.connect(settings.libpq_url)) as owner:
        if not _can_log_in(url):
            with owner:
                _make(owner, url.username, url.password)
        is_powerful, roles = _ask(owner, _POWERS, url.username)[0]
    if is_powerful or roles != [API_ROLE]:
        raise UnfitLogin(f"{url.username} may do more than requests need: it must be a member of {API_ROLE} only")


def _can_log_in(url: URL) -> bool:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg2.connect(address, options=f"-c role={API_ROLE}").close()
    except psycopg2.OperationalError:
        return False
    return True


def _make(owner: Connection, user: str, password: str) -> None:
    # The password as the server stores it: in plain text it would be in the server's log, and in pg_stat_activity for
    # every user.
    stored = encrypt_password(password, user, owner, "scram-sha-256")
    statement = _CHANGE if _ask(owner, _IS_THERE, user) else _CREATE
    names = {"user": sql.Identifier(user), "password": sql.Literal(stored), "role": sql.Identifier(API_ROLE)}
    with owner.cursor() as cursor:
        cursor.execute(statement.format(**names))


def _ask(connection: Connection, statement: str, *values: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
