"""DuckDB reads, in parallel and typed; its batches go in by binary COPY."""

from typing import Final

import duckdb
import pyarrow as pa

from bench.contenders.arrow import ingest
from bench.contenders.job import Job
from shared.catalog.tables.movies import TABLE
from shared.database.arrow_schemas import arrow_schema

_ROWS_PER_BATCH: Final = 50_000
_TYPES: Final[dict[pa.DataType, str]] = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.int16(): "SMALLINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.string(): "VARCHAR",
}


def duckdb_copy(job: Job) -> None:
    """`read_csv` with the columns' types, batch by batch into `adbc_ingest`."""
    kinds = {name: arrow_schema(TABLE).field(name).type for name in job.columns}
    columns = ", ".join(f"'{name}': '{_TYPES.get(kind, 'VARCHAR')}'" for name, kind in kinds.items())
    selected = ", ".join(
        f"string_split(trim({name}, '{{}}'), ',') AS {name}" if pa.types.is_list(kind) else name
        for name, kind in kinds.items()
    )
    path = job.path.replace("'", "''")
    with duckdb.connect() as connection:
        reading = connection.sql(
            f"SELECT {selected} FROM read_csv('{path}', header = true, auto_detect = false, delim = ',', quote = '\"',"
            f" escape = '\"', columns = {{{columns}}})"
        )
        ingest(job, reading.fetch_arrow_reader(_ROWS_PER_BATCH))
