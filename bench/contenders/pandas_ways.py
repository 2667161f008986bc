"""pandas: the two ways that its manual shows."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import pandas as pd
from pandas.io.sql import SQLTable
from sqlalchemy import Connection, create_engine

from bench.contenders.job import Job

# PostgreSQL takes 65,535 parameters a statement; psycopg2 puts them into the text and does not mind.
_ROWS_PER_STATEMENT = 1_000


def pandas_multi(job: Job) -> None:
    """`read_csv`, then `to_sql(method="multi")`."""
    frame = pd.read_csv(job.path)
    with create_engine(_sqlalchemy(job)).begin() as connection:
        frame.to_sql(
            job.table, connection, if_exists="append", index=False, method="multi", chunksize=_ROWS_PER_STATEMENT
        )


def pandas_copy(job: Job) -> None:
    """`read_csv`, then `to_sql` with the COPY callable of the manual."""
    frame = pd.read_csv(job.path)
    with create_engine(_sqlalchemy(job)).begin() as connection:
        frame.to_sql(job.table, connection, if_exists="append", index=False, method=_insert_by_copy)


def _insert_by_copy(table: SQLTable, connection: Connection, keys: list[str], rows: Iterable[Any]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    columns = ", ".join(f'"{key}"' for key in keys)
    cursor: Any = connection.connection.cursor()
    cursor.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN WITH CSV", text)


def _sqlalchemy(job: Job) -> str:
    return job.url.replace("postgresql://", "postgresql+psycopg2://", 1)
