"""Arrow tables by binary COPY: the fastest plain ways to get a clean CSV into PostgreSQL from Python."""

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from bench.contenders.job import Job
from shared.catalog.tables.movies import TABLE
from shared.database.arrow_schemas import arrow_schema


def adbc_ingest(job: Job) -> None:
    """`pyarrow.csv.read_csv`, then `adbc_ingest`."""
    types = {name: arrow_schema(TABLE).field(name).type for name in job.columns}
    plain = {name: pa.string() if pa.types.is_list(kind) else kind for name, kind in types.items()}
    table = pacsv.read_csv(
        job.path,
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=plain, strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    for position, name in enumerate(job.columns):
        if pa.types.is_list(types[name]):
            items = pc.split_pattern(pc.utf8_trim(table[name], characters="{}"), ",")
            table = table.set_column(position, name, items)
    ingest(job, table)


def ingest(job: Job, rows: pa.Table | pa.RecordBatchReader) -> None:
    """Append the rows in one transaction."""
    with adbc.connect(job.url) as connection:
        with connection.cursor() as cursor:
            cursor.adbc_ingest(job.table, rows, mode="append")
        connection.commit()
