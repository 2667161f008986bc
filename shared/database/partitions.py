"""The partitions of `movies`: one that all small uploads share, and one for each large upload.

    movies                 PARTITION BY RANGE (id), primary key (id), no other index: each partition has its own
    |-- movies_small       ids of upload numbers below 2^20; its indexes begin with the tenant
    `-- movies_u<number>   ids of one large upload; CHECK (tenant = ...), so the planner skips other tenants' partitions

    rejects                PARTITION BY RANGE (upload_number), only because it has policies
    `-- rejects_all        every row: COPY writes here, because it refuses a table with policies

Requests have no rights on any partition. They query the parent tables, whose policies then apply. Every index serves a
query of the public contract, and all end with the id, the tie-breaker of keyset paging.
"""

from typing import Final

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn

from shared.database.models import Movie
from shared.database.record_ids import first_id, is_large

SMALL_PARTITION: Final = "movies_small"
REJECTS_PARTITION: Final = "rejects_all"

# name -> columns; the comment names the listing that it serves. The indexes that take longest to build come first.
LISTING_INDEXES: Final[dict[str, tuple[str, ...]]] = {
    "language_vote": ("language_number", "vote_average", "id"),  # one language, by vote
    "language_release": ("language_number", "release_order", "id"),  # one language (and year), by release date
    "year_vote": ("release_year", "vote_average", "id"),  # one year (and language), by vote
    "vote": ("vote_average", "id"),  # by vote
    "release": ("release_order", "id"),  # by release date; a year is a range of release_order
}
_FILTERS: Final = ("language_number", "release_year")
# The columns whose statistics the planner needs; autovacuum analyses the others later.
INDEXED_COLUMNS: Final = tuple(dict.fromkeys(column for columns in LISTING_INDEXES.values() for column in columns))


def partition_of(upload_number: int) -> str:
    """Name of the table that holds this upload's movies."""
    return f"movies_u{upload_number}" if is_large(upload_number) else SMALL_PARTITION


def create_table(table: str, *constraints: str) -> str:
    """SQL for a table that can become a partition.

    It does not use LIKE movies: there, the columns are in the order in which migrations added them. Here they are in
    the order of the model, fixed widths first, so that building an index need not step over the texts of each row.
    """
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = [str(CreateColumn(column).compile(dialect=dialect)) for column in inspect(Movie).columns]
    return f"CREATE TABLE {table} ({', '.join([*columns, *constraints])})"


def create_upload_table(upload_number: int, tenant: str) -> str:
    """SQL for the table of one large upload. It is not yet a partition, and so it is invisible.

    Its CHECKs save ATTACH from scanning it. The tenant cannot contain a quote: the API and a CHECK of `uploads` ensure
    that.
    """
    table, low, high = partition_of(upload_number), first_id(upload_number), first_id(upload_number + 1)
    in_range = f"CONSTRAINT {table}_range CHECK (id >= {low} AND id < {high})"
    of_tenant = f"CONSTRAINT {table}_tenant CHECK (tenant = '{tenant}')"
    # Autovacuum is off while the table grows; `allow_autovacuum` turns it on when the table is attached.
    return f"{create_table(table, in_range, of_tenant)} WITH (autovacuum_enabled = off)"


def allow_autovacuum(table: str) -> str:
    """SQL that ends the exception of `create_upload_table`."""
    return f"ALTER TABLE {table} RESET (autovacuum_enabled)"


def create_indexes(table: str) -> list[str]:
    """SQL for the listing indexes of one large upload; those of the small uploads begin with the tenant.

    No request can ask for movies of an unknown language or year, and some datasets have no language at all: these rows
    are left out.
    """
    statements = []
    for name, columns in LISTING_INDEXES.items():
        known = f" WHERE {columns[0]} IS NOT NULL" if columns[0] in _FILTERS else ""
        statements.append(f"CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({', '.join(columns)}){known}")
    return statements
