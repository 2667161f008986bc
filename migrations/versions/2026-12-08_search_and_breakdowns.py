"""Words to search by, keys to sort titles and names by, countries; rows counted by genre, country, type, rating.

Revision: 2026_12_08_search, after 2026_12_07_plans

Writes every movie, person and alternative title anew, builds up to nine indexes of each leaf and counts its rows: it
takes longer than loading them did. The words are computed by the code that computes those of new rows. What `--sql`
prints does neither, so it is only for a database without rows. The transaction has `lock_timeout = 5s` (env.py).
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from alembic import context, op
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from shared.catalog.search_words import keys_of, more_words, plain_texts

revision: str = "2026_12_08_search"
down_revision: str | None = "2026_12_07_plans"
branch_labels: None = None
depends_on: None = None

CHUNK_ROWS = 50_000
LIMIT = "WITH (gin_pending_list_limit = 256)"
WORDS = "gin (array_to_tsvector(string_to_array({key}, ' ') || string_to_array(more_words, ' ')))"


class Searched(NamedTuple):
    """A table, the name of its key, what that is of, further texts whose words count, its new indexes, its lists."""

    name: str
    key: str
    source: str
    others: tuple[str, ...]
    indexes: dict[str, str]
    new_columns: tuple[str, ...] = ()


TABLES = (
    Searched(
        "movies",
        "title_key",
        "title",
        ("original_title",),
        {
            "title": "(title_key, id)",
            "votes": "(vote_count, id)",
            "runtime": "(runtime, id)",
            "genres": f"gin (genres) {LIMIT}",
            "countries": f"gin (countries) {LIMIT}",
            "overview": f"gin (plain_words(overview)) {LIMIT}",
        },
        ("countries",),
    ),
    Searched("people", "name_key", "name", (), {"name": "(name_key, id)", "professions": f"gin (professions) {LIMIT}"}),
    Searched("alternative_titles", "title_key", "title", (), {"title": "(title_key, id)"}),
)

# All tables with rows of one: its leaves, visible, superseded, and those that no branch has (yet, or any more).
LEAVES = """
SELECT relname, relispartition OR to_regclass(relname || '_pkey') IS NOT NULL
FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND (relname ~ ('^' || %(table)s || '_[cmuwx][0-9]+$') OR relname = %(table)s || '_history')
ORDER BY 1
"""
UNATTACHED = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace
  AND relname ~ ('^' || %(table)s || '_[muwx][0-9]+$')
"""

# Name of a breakdown: the table, its values of a row `r`, and what else is read.
EACH = "CROSS JOIN LATERAL (SELECT DISTINCT value FROM unnest(r.{}) AS value WHERE value IS NOT NULL) AS e ({})"
BREAKDOWNS = {
    "genre": (
        "movies",
        "'genre', genre, 'decade', floor(r.release_year / 10::float8)::int * 10",
        EACH.format("genres", "genre"),
    ),
    "country": (
        "movies",
        "'country', country",
        EACH.format("countries", "country"),
    ),
    "title_type": ("movies", "'title_type', r.title_type", "WHERE r.title_type IS NOT NULL"),
    "rating": ("movies", "'rating', floor(r.vote_average)::int", "WHERE r.vote_average IS NOT NULL"),
    "profession": (
        "people",
        "'profession', profession",
        EACH.format("professions", "profession"),
    ),
}
FIRST_ID = f"CASE WHEN r.id >= {2**52} THEN r.id / {2**32} * {2**32} ELSE r.id / {2**24} * {2**24} END"
COUNT = """
INSERT INTO upload_totals AS total (upload_number, breakdown, facets, row_count)
SELECT number, '{breakdown}', facets, row_count
FROM (
    SELECT r.tenant, {first_id} AS first_id, jsonb_build_object({values}) AS facets, count(*) AS row_count
    FROM {leaf} AS r {source} GROUP BY 1, 2, 3
) AS counted
JOIN uploads ON uploads.tenant = counted.tenant AND uploads.first_id = counted.first_id AND corrects IS NULL
WHERE EXISTS (SELECT FROM upload_totals AS known WHERE known.upload_number = number)
ON CONFLICT (upload_number, breakdown, facets) DO UPDATE SET row_count = total.row_count + excluded.row_count
"""
SUM = """
INSERT INTO collection_totals (tenant, table_name, collection, breakdown, facets, row_count)
SELECT collections.tenant, collections.table_name, collections.number, breakdown, facets, sum(row_count)::bigint
FROM upload_totals
JOIN uploads ON uploads.number = upload_number AND superseded_by IS NULL AND state = 'completed'
JOIN collections ON collections.number = uploads.collection
WHERE breakdown <> 'rows'
GROUP BY 1, 2, 3, 4, 5
"""


# Words of running text without accents. A text of more characters is searched by its beginning.
PLAIN_WORDS = r"""
CREATE FUNCTION plain_words(text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig, CASE
    WHEN octet_length($1) = length($1) THEN left($1, 10000)
    ELSE regexp_replace(
        normalize(
            CASE
                WHEN $1 !~* '[æœþßøłđðħıŧ]' THEN left($1, 10000)
                ELSE translate(
                    replace(replace(replace(replace(
                        lower(left($1, 10000)), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ß', 'ss'),
                    'øłđðħıŧ', 'olddhit')
            END,
            NFKD),
        '[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]', '', 'g')
END)
"""


def upgrade() -> None:
    _key_totals("breakdown", "facets")
    op.execute(PLAIN_WORDS)
    for table in TABLES:
        for name in table.new_columns:
            _add(table, name, ARRAY(sa.Text))
        for name in (table.key, "more_words"):
            _add(table, name, sa.Text(collation="C"))
        if context.is_offline_mode():
            continue
        connection = op.get_bind()
        for leaf, is_indexed in connection.exec_driver_sql(LEAVES, {"table": table.name}).all():
            _fill(connection, table, leaf)
            if is_indexed and not leaf.endswith("_history") and not leaf.startswith(f"{table.name}_w"):
                _index(table, leaf)
            for breakdown, (of, values, source) in BREAKDOWNS.items():
                if of == table.name and leaf.startswith(tuple(f"{of}_{kind}" for kind in "cmu")):
                    names = {"breakdown": breakdown, "values": values, "source": source, "leaf": leaf}
                    connection.exec_driver_sql(COUNT.format(**names, first_id=FIRST_ID))
            connection.exec_driver_sql(f"ANALYZE {leaf}")
    op.execute(SUM)


def downgrade() -> None:
    op.execute("DELETE FROM collection_totals WHERE breakdown <> 'rows'")
    op.execute("DELETE FROM upload_totals WHERE breakdown <> 'rows'")
    _key_totals("facets")
    for table in TABLES:
        if not context.is_offline_mode():
            connection = op.get_bind()
            for leaf, _ in connection.exec_driver_sql(LEAVES, {"table": table.name}).all():
                for name in ("words", *table.indexes):
                    op.execute(f"DROP INDEX IF EXISTS {leaf}_{name}")
        for name in ("more_words", table.key, *table.new_columns):
            for each in _with_its_columns(table):
                op.drop_column(each, name)
    op.execute("DROP FUNCTION plain_words(text)")


def _key_totals(*names: str) -> None:
    """The last columns of the keys of both tables of totals; `breakdown` comes or goes with them."""
    for table, first in (
        ("upload_totals", ["upload_number"]),
        ("collection_totals", ["tenant", "table_name", "collection"]),
    ):
        op.drop_constraint(f"pk_{table}", table)
        if "breakdown" in names:
            op.add_column(table, sa.Column("breakdown", sa.Text, server_default="rows", nullable=False))
        else:
            op.drop_column(table, "breakdown")
        op.create_primary_key(f"pk_{table}", table, [*first, *names])


def _add(table: Searched, name: str, type_: TypeEngine[Any]) -> None:
    for each in _with_its_columns(table):
        op.add_column(each, sa.Column(name, type_))


def _with_its_columns(table: Searched) -> list[str]:
    """The tables that have the columns of the table and do not follow another one."""
    names = [table.name, f"{table.name}_superseded", f"{table.name}_history"]
    if not context.is_offline_mode():
        names += op.get_bind().exec_driver_sql(UNATTACHED, {"table": table.name}).scalars()
    return names


def _fill(connection: Connection, table: Searched, leaf: str) -> None:
    connection.exec_driver_sql("CREATE TEMPORARY TABLE filled (address tid, key text, more text) ON COMMIT DROP")
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        for chunk in _chunks(connection, table, leaf):
            text = io.StringIO()
            csv.writer(text).writerows(chunk)
            text.seek(0)
            cursor.copy_expert("COPY filled FROM STDIN (FORMAT csv)", text)
    connection.exec_driver_sql("ANALYZE filled")
    connection.exec_driver_sql(
        f"UPDATE {leaf} AS r SET {table.key} = filled.key, more_words = filled.more"
        " FROM filled WHERE r.ctid = filled.address"
    )
    connection.exec_driver_sql("DROP TABLE filled")


def _chunks(connection: Connection, table: Searched, leaf: str) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The address of each row, its key and its further words, as the loader computes them."""
    wanted = ", ".join(("ctid::text", table.source, *table.others))
    options = {"yield_per": CHUNK_ROWS}
    result = connection.exec_driver_sql(f"SELECT {wanted} FROM {leaf}", execution_options=options)
    for rows in result.partitions(CHUNK_ROWS):
        addresses, *columns = zip(*rows, strict=True)
        texts = [pa.array(column, pa.string()) for column in columns]
        words = plain_texts(texts[0])
        more = more_words(texts[0], words, *texts[1:])
        yield zip(addresses, keys_of(words).to_pylist(), more.to_pylist(), strict=True)


def _index(table: Searched, leaf: str) -> None:
    indexes = {"words": f"{WORDS.format(key=table.key)} {LIMIT}"} | table.indexes
    for name, definition in indexes.items():
        using = f"USING {definition}" if definition.startswith("gin") else definition
        op.execute(f"CREATE INDEX IF NOT EXISTS {leaf}_{name} ON {leaf} {using}")
