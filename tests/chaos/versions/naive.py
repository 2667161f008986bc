"""The control: what a tutorial would do to replace or upsert rows, chunk by chunk, each in a transaction of its own.

A reader who looks between two chunks sees a mix of versions, and the checker must convict it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import Final

import psycopg2
from psycopg2 import extensions

from tests.chaos.versions.files import Mode
from tests.chaos.versions.model import Records, Row

CHUNK_ROWS: Final = 2
TABLE: Final = "CREATE TABLE naive_titles (key text PRIMARY KEY, upload text, line int, value text)"
_UPSERT: Final = """
INSERT INTO naive_titles (key, upload, line, value) VALUES (%s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE SET upload = excluded.upload, line = excluded.line, value = excluded.value
WHERE naive_titles.value <> excluded.value
"""


def publish(url: str, upload: str, mode: Mode, records: Records, look: Callable[[], None]) -> None:
    """Write the records; `look` is called after each commit."""
    with closing(psycopg2.connect(url)) as connection:
        for statements in chain([_first(mode)], _chunks(upload, records)):
            with connection, connection.cursor() as cursor:
                for statement, values in statements:
                    cursor.execute(statement, values)
            look()


def visible(connection: extensions.connection) -> list[Row]:
    """What a reader sees now."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT upload, line, key, value FROM naive_titles")
        return [Row(*values) for values in cursor.fetchall()]


_Statements = Sequence[tuple[str, tuple[object, ...]]]


def _first(mode: Mode) -> _Statements:
    return [("DELETE FROM naive_titles", ())] if mode == "replace" else []


def _chunks(upload: str, records: Records) -> Iterator[_Statements]:
    rows = iter(records.items())
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield [(_UPSERT, (key, upload, line, value)) for line, (key, value) in chunk]
