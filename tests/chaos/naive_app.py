"""What a tutorial would do: a chord of chunks with acks_late, and a callback that marks the file as done.

Its environment names the servers and the visibility timeout, which is made short so that Celery has time to recover.
"""

import csv
import os
from contextlib import closing
from pathlib import Path

import psycopg2
from celery import Celery, chord

CHUNK_ROWS = 120  # about as many as a batch of the storm on the platform holds

_REDIS = os.environ.get("NAIVE_REDIS")  # workers have it; who sends sets it later
app = Celery("naive", broker=_REDIS, backend=_REDIS)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": 10, "socket_timeout": 5},
    result_expires=3600,
    task_publish_retry_policy={"max_retries": 1},
)


@app.task(autoretry_for=(psycopg2.OperationalError,), retry_backoff=True, max_retries=10)
def load_chunk(number: int, path: str, first: int) -> None:
    """Insert the rows of one chunk and commit."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[first : first + CHUNK_ROWS]
    with closing(psycopg2.connect(os.environ["NAIVE_DATABASE"])) as connection:
        with connection.cursor() as cursor:
            values = [(number, first + position, row["title"]) for position, row in enumerate(rows)]
            cursor.executemany("INSERT INTO naive_rows (upload, position, title) VALUES (%s, %s, %s)", values)
        connection.commit()


@app.task(autoretry_for=(psycopg2.OperationalError,), retry_backoff=True, max_retries=10)
def finish(_results: list[None], number: int) -> None:
    """The chord's callback."""
    with closing(psycopg2.connect(os.environ["NAIVE_DATABASE"])) as connection:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE naive_uploads SET state = 'done' WHERE number = %s", (number,))
        connection.commit()


def begin(number: int, path: str, rows: int) -> None:
    """What the route does before it answers 202."""
    chord(load_chunk.s(number, path, first) for first in range(0, rows, CHUNK_ROWS))(finish.s(number))
