"""Pulls: one that is written into the tables, so that nothing is fetched; and the end of others."""

import uuid
from contextlib import closing

import httpx
import psycopg2

from tests.system.api.sending import Json
from tests.waiting import eventually

SOURCE = """
INSERT INTO sources (id, tenant, name, address, parameters, transport)
VALUES (%(source)s, %(tenant)s, %(name)s, 'https://data.example/movies.csv', '{"filename": "movies.csv"}', 'background')
"""
PULL = """
INSERT INTO pulls (id, tenant, source, address, parameters, transport, trace_id, state)
VALUES (%(pull)s, %(tenant)s, %(source)s, 'https://data.example/movies.csv', '{"filename": "movies.csv"}',
        'background', '', 'failed')
"""


def add_pull(database_url: str, tenant: str, name: str = "movies") -> str:
    """The id of the pull, which has failed."""
    values = {"source": str(uuid.uuid4()), "pull": str(uuid.uuid4()), "tenant": tenant, "name": name}
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(SOURCE, values)
        cursor.execute(PULL, values)
    return values["pull"]


def ended(client: httpx.Client, pull: Json) -> Json:
    """The pull when it has ended."""

    def look() -> Json | None:
        now: Json = client.get(f"/pulls/{pull['id']}").raise_for_status().json()
        return None if now["state"] in ("waiting", "fetching") else now

    last = eventually(look)
    assert last is not None
    return last
