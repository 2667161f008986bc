"""What the tables contain, for comparison with a model; and changes that only tests make."""

from typing import Any

from sqlalchemy import Engine, text

from tests.integration.ingest.merging import leaves, unattached
from tests.integration.ingest.test_loader import rows

STATES = "('queued', 'loading', 'planned', 'completed', 'failed', 'cancelled', 'undone')"
_EXPIRE = (
    "UPDATE uploads SET lease_until = now() - interval '1 s' WHERE number = :number AND lease_until IS NOT NULL",
    "UPDATE batches SET lease_until = now() - interval '1 s' WHERE upload_number = :number AND lease_until IS NOT NULL",
)


def spans(engine: Engine, number: int) -> list[Any]:
    """Batches with the bytes that they begin and end at."""
    sql = "SELECT number, byte_start, byte_end FROM batches WHERE upload_number = :number ORDER BY number"
    return rows(engine, sql, number=number)


def movies(engine: Engine) -> dict[int, tuple[int, int]]:
    """Upload -> visible rows, different ids."""
    sql = """
    SELECT number, count(*), count(DISTINCT movies.id) FROM movies JOIN uploads ON movies.id > first_id
        AND movies.id < first_id + CASE WHEN first_id >= 1::bigint << 52 THEN 1::bigint << 32 ELSE 1 << 24 END
    GROUP BY 1
    """
    found = rows(engine, sql)
    return {number: (count, distinct) for number, count, distinct in found}


def totals(engine: Engine) -> set[Any]:
    """What the listing's `total` is made of."""
    sql = """
    SELECT tenant, dataset, (facets ->> 'release_year')::int, facets ->> 'original_language', row_count
    FROM collection_totals JOIN collections USING (tenant, table_name)
    WHERE collection = number AND breakdown = 'rows' AND row_count <> 0
    """
    return set(rows(engine, sql))


def counted(engine: Engine) -> set[Any]:
    """The same by counting."""
    sql = """
    SELECT movies.tenant, dataset, release_year, original_language, count(*)
    FROM movies JOIN collections ON collection = number GROUP BY 1, 2, 3, 4
    """
    return set(rows(engine, sql))


def histories(engine: Engine) -> dict[int, list[str]]:
    """Upload -> its states, the last one being the present one."""
    changes = (
        f"SELECT array_agg(event ORDER BY id) FROM upload_events WHERE upload_number = number AND event IN {STATES}"
    )
    found = rows(engine, f"SELECT number, state, ({changes}) FROM uploads")
    assert all(states[-1] == state for _number, state, states in found)
    return {number: states for number, _state, states in found}


def rejects(engine: Engine) -> dict[int, int]:
    """Upload -> rejected records."""
    return dict(rows(engine, "SELECT upload_number, count(DISTINCT line_number) FROM rejects GROUP BY 1"))


def done(engine: Engine) -> set[tuple[int, int]]:
    """Batches whose rows are committed."""
    return {
        (number, batch)
        for number, batch in rows(engine, "SELECT upload_number, number FROM batches WHERE state = 'done'")
    }


def counts(engine: Engine) -> dict[int, tuple[int, int]]:
    """Completed upload -> loaded and rejected records."""
    found = rows(engine, "SELECT number, loaded_records, rejected_records FROM uploads WHERE state = 'completed'")
    return {number: (loaded, rejected) for number, loaded, rejected in found}


def expire(engine: Engine, number: int) -> None:
    """All leases of the upload end."""
    with engine.begin() as connection:
        for sql in _EXPIRE:
            connection.execute(text(sql), {"number": number})


def expire_merges(engine: Engine) -> None:
    """Whoever merges has died long ago."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE merges SET lease_until = NULL"))


def waiting(engine: Engine) -> list[str]:
    """Tables of uploads that are compared or were withdrawn."""
    return [name for (name,) in rows(engine, "SELECT relname FROM pg_class WHERE relname ~ '^movies_[wx][0-9]+$'")]


def empty(engine: Engine) -> None:
    """As after the migration."""
    with engine.begin() as connection:
        for table in [*leaves(engine), *unattached(engine), *waiting(engine)]:
            connection.execute(text(f"DROP TABLE {table}"))
        for name in ("merges", "touched_rows", "uploads", "movies", "movies_history", "collection_totals"):
            connection.execute(text(f"DELETE FROM {name}"))
