"""A source with a pull, written into the tables, because the stacks of most tests may not fetch anything."""

import uuid
from contextlib import closing

import psycopg2

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
