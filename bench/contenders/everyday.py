"""The way most people write this service, without its checks, which would make it slower still."""

from typing import Any

import pandas as pd
from sqlalchemy import MetaData, Table, create_engine, insert

from bench.contenders.job import Job

_CHUNK_ROWS = 1_000


def everyday(job: Job) -> None:
    """Chunks of 1,000 rows by pandas, a dict per row, `insert().values(batch)`, a commit per chunk."""
    engine = create_engine(job.url.replace("postgresql://", "postgresql+psycopg2://", 1))
    table = Table(job.table, MetaData(), autoload_with=engine)
    for chunk in pd.read_csv(job.path, chunksize=_CHUNK_ROWS):
        batch = [_values(row) for row in chunk.to_dict("records")]
        with engine.begin() as connection:
            connection.execute(insert(table).values(batch))


def _values(row: dict[Any, Any]) -> dict[str, Any]:
    values = {name: None if pd.isna(value) else value for name, value in row.items()}
    return {**values, "languages": row["languages"].strip("{}").split(",")}
