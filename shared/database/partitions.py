"""The partitions of `movies`: one shared by all small uploads, one for each large upload.

    movies                 PARTITION BY RANGE (id), primary key (id), no other index: each partition brings its own
    |-- movies_small       ids of upload numbers below 2^20; the tenant stands first in its indexes
    `-- movies_u<number>   ids of one large upload; CHECK (tenant = ...), so the planner skips other tenants' partitions

Every index serves a query of the public contract; all end with the id, the tie-breaker of keyset paging.
"""

from typing import Final

from shared.database.models import FIRST_LARGE_NUMBER, LINE_BITS

SMALL_PARTITION: Final = "movies_small"

# name -> columns; the listing that it serves. Those that take longest to build come first.
LISTING_INDEXES: Final[dict[str, tuple[str, ...]]] = {
    "language_vote": ("original_language", "vote_average", "id"),  # one language, by vote
    "language_release": ("original_language", "release_order", "id"),  # one language (and year), by release date
    "year_vote": ("release_year", "vote_average", "id"),  # one year (and language), by vote
    "vote": ("vote_average", "id"),  # by vote
    "release": ("release_order", "id"),  # by release date; a year is a range of release_order
}
_FILTERS: Final = ("original_language", "release_year")
# What the planner has to know of a partition; autovacuum looks at the rest when it comes by.
INDEXED_COLUMNS: Final = tuple(dict.fromkeys(column for columns in LISTING_INDEXES.values() for column in columns))


def first_id(upload_number: int) -> int:
    """The smallest id that a record of this upload could have."""
    return upload_number << LINE_BITS


def upload_number_of(movie_id: int) -> int:
    """The number of the upload that a movie came with."""
    return movie_id >> LINE_BITS


def line_number_of(movie_id: int) -> int:
    """The line of the uploaded file, from 1, at which the movie's record begins."""
    return movie_id & ((1 << LINE_BITS) - 1)


def is_large(upload_number: int) -> bool:
    """Whether the upload's movies have a partition of their own."""
    return upload_number >= FIRST_LARGE_NUMBER


def partition_of(upload_number: int) -> str:
    """Name of the table that holds this upload's movies."""
    return f"movies_u{upload_number}" if is_large(upload_number) else SMALL_PARTITION


def create_indexes(table: str, leading: tuple[str, ...] = ()) -> list[str]:
    """SQL for the listing's indexes of one partition; `leading` columns stand before the others.

    Nobody asks for movies of an unknown language or year, and whole datasets know no language: those rows are left out.
    """
    statements = []
    for name, columns in LISTING_INDEXES.items():
        known = f" WHERE {columns[0]} IS NOT NULL" if columns[0] in _FILTERS else ""
        statements.append(
            f"CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({', '.join(leading + columns)}){known}"
        )
    return statements


def create_small_partition() -> list[str]:
    """SQL for the partition that all small uploads share."""
    return [
        f"CREATE TABLE {SMALL_PARTITION} PARTITION OF movies FOR VALUES FROM (0) TO ({first_id(FIRST_LARGE_NUMBER)})",
        *create_indexes(SMALL_PARTITION, leading=("tenant",)),
    ]
