r"""The other ways to load the same good rows into the same table. None of them checks anything.

psql.py     psql's \copy         pandas_ways.py  read_csv with to_sql, with a COPY callable
arrow.py    adbc_ingest, DuckDB  everyday.py     chunks of 1,000 rows, a dict per row, insert().values(batch)

`python -m bench.contenders NAME` runs one, with a job on standard input; run.py starts it.

plain_service.py is another kind of contender: a service that answers questions about the rows, see `bench.catalogue`.
"""
