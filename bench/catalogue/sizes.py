"""What the indexes of the catalogue take."""

from typing import Final

from bench.database import Database
from bench.measure import MIB
from bench.results import Table

_SIZES: Final = r"""
SELECT regexp_replace(i.relname, '^([a-z]+)_[cum]\d+_', '\1: ') AS name,
       sum(pg_relation_size(i.oid))::bigint AS bytes, sum(t.reltuples)::bigint AS rows
FROM pg_class t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE t.relname ~ '^(movies|people|credits|ratings)_[cum]\d+$' AND t.relispartition
GROUP BY 1 ORDER BY split_part(regexp_replace(i.relname, '^([a-z]+)_[cum]\d+_', '\1: '), ':', 1), 2 DESC
"""
_MILLION: Final = 1_000_000


def index_sizes(database: Database) -> Table:
    """All leaves of a table together: megabytes, and megabytes per million rows."""
    rows = [
        [name, f"{size / MIB:,.0f}", f"{count:,}", f"{size / MIB / count * _MILLION:,.1f}"]
        for name, size, count in database.query(_SIZES)
    ]
    return Table("Indexes of the catalogue", ["index", "MB", "rows", "MB per 1,000,000 rows"], rows)
