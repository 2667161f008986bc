"""A branch of `movies` for each tenant, collections in it, and ranges of ids that are not bound to upload numbers.

Revision: 2026_12_02_collections, after 2026_12_01_files

The transaction has `lock_timeout = 5s` (env.py). It copies the rows of small uploads; it reads those of large ones and
builds an index of them. No id of a row changes. Uploads that are loading begin anew. On the way down, uploads get
numbers that fit their ids again, and the rows of small uploads that were made since get new ids.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "2026_12_02_collections"
down_revision: str | None = "2026_12_01_files"
branch_labels: None = None
depends_on: None = None

# Written out here and not imported: a migration keeps saying what it did when the code has moved on.
FIRST_LARGE_ID = 2**52
FIRST_LARGE_NUMBER = 2**20
LAST_NUMBER = 2**21 - 1
COLUMNS = """
    id bigint NOT NULL, budget bigint, revenue bigint, vote_count bigint, genre_id bigint, production_company_id bigint,
    vote_average double precision, {collection} runtime integer, release_date date, release_order integer,
    release_year smallint, language_number smallint, end_year smallint, is_adult boolean, tenant text NOT NULL,
    title text NOT NULL, original_title text, title_type text, original_language text, status text, source_id text,
    homepage text, overview text, languages text[], genres text[], extra jsonb
"""
NEW_COLUMNS = COLUMNS.format(collection="collection integer NOT NULL,")
OLD_COLUMNS = COLUMNS.format(collection="")
VALUES = (
    "budget, revenue, vote_count, genre_id, production_company_id, vote_average, runtime, release_date, release_order,"
    " release_year, language_number, end_year, is_adult, tenant, title, original_title, title_type, original_language,"
    " status, source_id, homepage, overview, languages, genres, extra"
)
INDEXES = {
    "language_vote": ("language_number, vote_average, id", "WHERE language_number IS NOT NULL"),
    "language_release": ("language_number, release_order, id", "WHERE language_number IS NOT NULL"),
    "year_vote": ("release_year, vote_average, id", "WHERE release_year IS NOT NULL"),
    "vote": ("vote_average, id", ""),
    "release": ("release_order, id", ""),
}
KEY = {"key": ("source_id", "WHERE source_id IS NOT NULL")}
# Those of the small uploads began with the tenant, and the one by year had the unknown years.
OLD_INDEXES = {name: (f"tenant, {columns}", known) for name, (columns, known) in INDEXES.items()}
OLD_INDEXES["year_vote"] = (OLD_INDEXES["year_vote"][0], "")

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
OF_ONE_OF_ITS_UPLOADS = "upload_number IN (SELECT number FROM uploads)"
SEQUENCES = ("upload_numbers", "small_first_ids", "large_first_ids")
OLD_SEQUENCES = ("small_upload_numbers", "large_upload_numbers")

# What loaders have loaded of uploads that are not complete is loaded again: their tables have too few columns.
FORGET_UNFINISHED = """
DO $$
DECLARE leaf regclass;
BEGIN
    FOR leaf IN SELECT oid FROM pg_class WHERE relname ~ '^movies_u[0-9]+$' AND relkind = 'r' AND NOT relispartition
    LOOP
        EXECUTE format('DROP TABLE %s', leaf);
    END LOOP;
    DELETE FROM rejects USING uploads
    WHERE rejects.upload_number = uploads.number AND state = 'loading' AND corrects IS NULL;
    DELETE FROM upload_totals USING uploads WHERE upload_number = uploads.number AND state = 'loading';
    UPDATE batches
    SET state = 'pending', epoch = batches.epoch + 1, attempts = 0, lease_until = NULL, done_at = NULL,
        read_records = 0, loaded_records = 0, rejected_records = 0, duplicate_records = 0, warnings = '[]'
    FROM uploads WHERE upload_number = uploads.number AND uploads.state = 'loading';
    UPDATE uploads SET epoch = epoch + 1, lease_until = NULL WHERE state = 'loading';
END $$
"""

COLLECT = """
INSERT INTO collections (tenant, dataset, table_name, branch)
SELECT DISTINCT tenant, dataset, 'movies', '' FROM uploads WHERE state = 'completed' ORDER BY tenant, dataset;
UPDATE collections SET branch = 'movies_t' || first.number
FROM (SELECT tenant, min(number) AS number FROM collections GROUP BY tenant) AS first
WHERE first.tenant = collections.tenant;
UPDATE uploads SET collection = collections.number
FROM collections WHERE (collections.tenant, collections.dataset) = (uploads.tenant, uploads.dataset)
"""

# Of the branches, then of the collections' leaves, then of large uploads.
MOVE_UP = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT DISTINCT branch, tenant FROM collections LOOP
        EXECUTE format('CREATE TABLE %I ({columns}) PARTITION BY RANGE (collection, id)', found.branch);
        EXECUTE format('ALTER TABLE movies ATTACH PARTITION %I FOR VALUES IN (%L)', found.branch, found.tenant);
    END LOOP;
    FOR found IN SELECT number, tenant, dataset, branch, 'movies_c' || number AS leaf FROM collections LOOP
        EXECUTE format(
            'CREATE TABLE %I ({columns}, CONSTRAINT %I PRIMARY KEY (id))', found.leaf, found.leaf || '_pkey');
        EXECUTE format(
            'INSERT INTO %I (id, collection, {values}) SELECT id, %s, {values} FROM movies_small'
            ' WHERE id >> 32 IN (SELECT number FROM uploads WHERE collection = %s)',
            found.leaf, found.number, found.number);
        {indexes}
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s, 0) TO (%s, {first_large_id})',
            found.branch, found.leaf, found.number, found.number);
    END LOOP;
    FOR found IN
        SELECT uploads.number, first_id, collection, branch, 'movies_u' || uploads.number AS leaf
        FROM uploads JOIN collections ON collections.number = collection
        WHERE uploads.number >= {first_large_number} AND state = 'completed' AND corrects IS NULL
    LOOP
        EXECUTE format('ALTER TABLE old_movies DETACH PARTITION %I', found.leaf);
        EXECUTE format(
            'ALTER TABLE %I ADD COLUMN collection integer NOT NULL DEFAULT %s', found.leaf, found.collection);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN collection DROP DEFAULT', found.leaf);
        EXECUTE format(
            'CREATE INDEX %I ON %I (source_id) WHERE source_id IS NOT NULL', found.leaf || '_key', found.leaf);
        EXECUTE format(
            'ALTER TABLE %I ADD CONSTRAINT %I CHECK (collection = %s)',
            found.leaf, found.leaf || '_collection', found.collection);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s, %s) TO (%s, %s)',
            found.branch, found.leaf,
            found.collection, found.first_id, found.collection, found.first_id + (1::bigint << 32));
    END LOOP;
END $$
"""

TOTAL_UP = """
ALTER TABLE upload_totals ADD COLUMN facets jsonb;
UPDATE upload_totals SET facets = jsonb_build_object(
    'release_year', nullif(release_year, 0), 'original_language', nullif(original_language, ''));
ALTER TABLE upload_totals DROP CONSTRAINT pk_upload_totals, DROP COLUMN release_year, DROP COLUMN original_language,
    ALTER COLUMN facets SET NOT NULL, ADD CONSTRAINT pk_upload_totals PRIMARY KEY (upload_number, facets);
ALTER TABLE upload_totals RENAME COLUMN movies TO row_count;
INSERT INTO collection_totals (tenant, table_name, collection, facets, row_count)
SELECT tenant, 'movies', collection, facets, sum(row_count)
FROM upload_totals JOIN uploads ON number = upload_number WHERE state = 'completed'
GROUP BY tenant, collection, facets
"""

SET_SEQUENCES_UP = """
SELECT setval('upload_numbers', (SELECT coalesce(max(number), 0) + 1 FROM uploads), false),
       setval('small_first_ids', greatest(1::bigint << 24, (
           SELECT (coalesce(max(number), 0) + 1) << 32 FROM uploads WHERE number < 1 << 20)), false),
       setval('large_first_ids', greatest(1::bigint << 52, (
           SELECT (coalesce(max(number), 0) + 1) << 32 FROM uploads WHERE number >= 1 << 20)), false)
"""

# Upload numbers that fit the ids again: large uploads have theirs in the ids, small ones are counted.
RENUMBER = """
DO $$
DECLARE
    found record;
BEGIN
    CREATE TEMPORARY TABLE renumbered ON COMMIT DROP AS
    SELECT number AS before,
           CASE WHEN kind = 'large' THEN first_id >> 32
                WHEN kind = 'small' THEN number
                ELSE last + row_number() OVER (PARTITION BY kind ORDER BY first_id) END AS after
    FROM (SELECT number, first_id,
                 CASE WHEN first_id >= {first_large_id} THEN 'large'
                      WHEN first_id = number << 32 THEN 'small' ELSE 'new' END AS kind
          FROM uploads) AS uploads,
         (SELECT coalesce(max(number), 0) AS last FROM uploads
          WHERE first_id = number << 32 AND first_id < {first_large_id}) AS small;
    FOR found IN SELECT conname, conrelid::regclass AS child FROM pg_constraint
        WHERE confrelid = 'uploads'::regclass AND contype = 'f' AND conparentid = 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED', found.child, found.conname);
    END LOOP;
    SET CONSTRAINTS ALL DEFERRED;
    -- Through negative numbers, so that no two uploads ever have the same one.
    UPDATE uploads SET number = -after FROM renumbered WHERE number = before;
    UPDATE uploads SET corrects = after FROM renumbered WHERE corrects = before;
    UPDATE uploads SET number = -number;
    UPDATE batches SET upload_number = -after FROM renumbered WHERE upload_number = before;
    UPDATE batches SET upload_number = -upload_number;
    UPDATE rejects SET upload_number = -after FROM renumbered WHERE upload_number = before;
    UPDATE rejects SET upload_number = -upload_number;
    UPDATE upload_events SET upload_number = after FROM renumbered WHERE upload_number = before;
    UPDATE upload_totals SET upload_number = -after FROM renumbered WHERE upload_number = before;
    UPDATE upload_totals SET upload_number = -upload_number;
    SET CONSTRAINTS ALL IMMEDIATE;
    FOR found IN SELECT conname, conrelid::regclass AS child FROM pg_constraint
        WHERE confrelid = 'uploads'::regclass AND contype = 'f' AND conparentid = 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE', found.child, found.conname);
    END LOOP;
    FOR found IN SELECT before, after FROM renumbered JOIN uploads ON number = after
        WHERE first_id >= {first_large_id} AND before <> after AND state = 'completed' AND corrects IS NULL
    LOOP
        EXECUTE format('ALTER TABLE movies_u%s RENAME TO old_u%s', found.before, found.after);
    END LOOP;
    FOR found IN SELECT relname, substring(relname, 6) AS number FROM pg_class WHERE relname ~ '^old_u[0-9]+$' LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO movies_u%s', found.relname, found.number);
    END LOOP;
END $$
"""

MOVE_DOWN = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT uploads.number, uploads.first_id, uploads.tenant, branch, 'movies_u' || uploads.number AS leaf
        FROM uploads JOIN collections ON collections.number = collection
        WHERE first_id >= {first_large_id} AND state = 'completed' AND corrects IS NULL
    LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', found.branch, found.leaf);
        EXECUTE format('ALTER TABLE %I DROP COLUMN collection', found.leaf);
        EXECUTE format('DROP INDEX IF EXISTS %I', found.leaf || '_key');
        EXECUTE format('ALTER TABLE %I ADD CHECK (tenant = %L)', found.leaf, found.tenant);
        EXECUTE format(
            'ALTER TABLE movies ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            found.leaf, found.first_id, found.first_id + (1::bigint << 32));
    END LOOP;
    INSERT INTO movies_small (id, {values})
    SELECT new_movies.id - first_id + (number << 32), {qualified}
    FROM uploads JOIN new_movies
        ON new_movies.tenant = uploads.tenant AND new_movies.id >= first_id AND new_movies.id < first_id + (1 << 24)
    WHERE first_id < {first_large_id} AND state = 'completed' AND corrects IS NULL;
END $$
"""

TOTAL_DOWN = """
ALTER TABLE upload_totals ADD COLUMN release_year smallint, ADD COLUMN original_language text;
UPDATE upload_totals SET release_year = coalesce((facets ->> 'release_year')::smallint, 0),
    original_language = coalesce(facets ->> 'original_language', '');
ALTER TABLE upload_totals DROP CONSTRAINT pk_upload_totals, DROP COLUMN facets,
    ALTER COLUMN release_year SET NOT NULL, ALTER COLUMN original_language SET NOT NULL,
    ADD CONSTRAINT pk_upload_totals PRIMARY KEY (upload_number, release_year, original_language);
ALTER TABLE upload_totals RENAME COLUMN row_count TO movies;
INSERT INTO movie_totals (tenant, release_year, original_language, movies)
SELECT tenant, release_year, original_language, sum(movies)
FROM upload_totals JOIN uploads ON number = upload_number WHERE state = 'completed'
GROUP BY tenant, release_year, original_language
"""

SET_SEQUENCES_DOWN = """
SELECT setval('small_upload_numbers', (
           SELECT coalesce(max(number), 0) + 1 FROM uploads WHERE number < 1 << 20), false),
       setval('large_upload_numbers', greatest(1 << 20, (
           SELECT coalesce(max(number), 0) + 1 FROM uploads WHERE number >= 1 << 20)), false)
"""


def upgrade() -> None:
    op.execute(FORGET_UNFINISHED)
    op.execute("CREATE SEQUENCE upload_numbers")
    op.execute(
        f"CREATE SEQUENCE small_first_ids INCREMENT {2**24} MINVALUE {2**24} MAXVALUE {2**52 - 2**24} START {2**24}"
    )
    op.execute(
        f"CREATE SEQUENCE large_first_ids INCREMENT {2**32} MINVALUE {2**52} MAXVALUE {2**53 - 2**32} START {2**52}"
    )
    op.create_table(
        "collections",
        sa.Column("number", sa.Integer, sa.Identity(always=True), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("tenant", "dataset", "table_name", "branch")),
        sa.PrimaryKeyConstraint("number", name="pk_collections"),
        sa.UniqueConstraint("tenant", "table_name", "dataset", name="uq_collections_tenant_table_name_dataset"),
    )
    op.add_column("uploads", sa.Column("table_name", sa.Text, nullable=False, server_default="movies"))
    op.alter_column("uploads", "table_name", server_default=None)
    op.add_column("uploads", sa.Column("first_id", sa.BigInteger))
    op.execute("UPDATE uploads SET first_id = number << 32")
    op.alter_column("uploads", "first_id", nullable=False)
    op.add_column("uploads", sa.Column("collection", sa.Integer))
    op.create_foreign_key("fk_uploads_collection", "uploads", "collections", ["collection"], ["number"])
    op.drop_constraint("ck_uploads_number", "uploads")
    op.create_check_constraint("first_id", "uploads", "first_id >= 0")
    op.create_index("ix_uploads_tenant_first_id", "uploads", ["tenant", "first_id"])
    _execute_all(COLLECT)
    op.execute("ALTER TABLE movies RENAME TO old_movies")
    op.execute(f"CREATE TABLE movies ({NEW_COLUMNS}) PARTITION BY LIST (tenant)")
    indexes = "\n        ".join(_create_index(name, *of) for name, of in {**INDEXES, **KEY}.items())
    op.execute(
        MOVE_UP.format(
            columns=NEW_COLUMNS.replace("\n", " "),
            values=VALUES,
            indexes=indexes,
            first_large_id=FIRST_LARGE_ID,
            first_large_number=FIRST_LARGE_NUMBER,
        )
    )
    op.execute("DROP TABLE old_movies")
    op.create_table(
        "collection_totals",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("tenant", "table_name")),
        sa.Column("collection", sa.Integer, nullable=False),
        sa.Column("facets", JSONB, nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "table_name", "collection", "facets", name="pk_collection_totals"),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name="fk_collection_totals_collection", ondelete="CASCADE"
        ),
        sa.CheckConstraint("row_count >= 0", name="row_count"),
    )
    _execute_all(TOTAL_UP)
    op.drop_table("movie_totals")
    op.execute(SET_SEQUENCES_UP)
    op.execute(f"DROP SEQUENCE {', '.join(OLD_SEQUENCES)}")
    op.create_table(
        "duplicates",
        sa.Column("upload_number", sa.BigInteger, nullable=False),
        sa.Column("line_number", sa.BigInteger, nullable=False),
        sa.Column("first_line", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("upload_number", "line_number", name="pk_duplicates"),
        sa.ForeignKeyConstraint(
            ["upload_number"], ["uploads.number"], name="fk_duplicates_upload_number", ondelete="CASCADE"
        ),
    )
    for table in ("movies", "collections", "collection_totals"):
        _open_to_requests(table)
    _open_to_requests("duplicates", OF_ONE_OF_ITS_UPLOADS)
    op.execute(f"GRANT USAGE ON SEQUENCE {', '.join(SEQUENCES)} TO imdb_api")
    op.execute("GRANT INSERT (table_name, first_id) ON uploads TO imdb_api")


def downgrade() -> None:
    op.execute(FORGET_UNFINISHED)
    op.execute(RENUMBER.format(first_large_id=FIRST_LARGE_ID))
    op.execute("ALTER TABLE movies RENAME TO new_movies")
    op.execute(f"CREATE TABLE movies ({OLD_COLUMNS}, CONSTRAINT pk_movies PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    op.execute(f"CREATE TABLE movies_small PARTITION OF movies FOR VALUES FROM (0) TO ({FIRST_LARGE_ID})")
    qualified = ", ".join(f"new_movies.{name.strip()}" for name in VALUES.split(","))
    op.execute(MOVE_DOWN.format(first_large_id=FIRST_LARGE_ID, values=VALUES, qualified=qualified))
    for name, (columns, known) in OLD_INDEXES.items():
        op.execute(f"CREATE INDEX movies_small_{name} ON movies_small ({columns}) {known}")
    op.execute("DROP TABLE new_movies")
    op.create_table(
        "movie_totals",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("release_year", sa.SmallInteger, nullable=False),
        sa.Column("original_language", sa.Text, nullable=False),
        sa.Column("movies", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "release_year", "original_language", name="pk_movie_totals"),
        sa.CheckConstraint("movies >= 0", name="movies"),
    )
    _execute_all(TOTAL_DOWN)
    op.drop_table("collection_totals")
    op.drop_table("duplicates")
    op.execute(f"CREATE SEQUENCE small_upload_numbers MINVALUE 1 MAXVALUE {FIRST_LARGE_NUMBER - 1} START 1")
    op.execute(
        f"CREATE SEQUENCE large_upload_numbers MINVALUE {FIRST_LARGE_NUMBER} MAXVALUE {LAST_NUMBER}"
        f" START {FIRST_LARGE_NUMBER}"
    )
    op.execute(SET_SEQUENCES_DOWN)
    op.drop_index("ix_uploads_tenant_first_id", "uploads")
    for name in ("collection", "first_id", "table_name"):
        op.drop_column("uploads", name)
    op.create_check_constraint("number", "uploads", f"number BETWEEN 1 AND {LAST_NUMBER}")
    op.drop_table("collections")
    op.execute(f"DROP SEQUENCE {', '.join(SEQUENCES)}")
    for table in ("movies", "movie_totals"):
        _open_to_requests(table)
    op.execute(f"GRANT USAGE ON SEQUENCE {', '.join(OLD_SEQUENCES)} TO imdb_api")


def _execute_all(statements: str) -> None:
    for statement in statements.split(";"):
        op.execute(statement)


def _create_index(name: str, columns: str, known: str) -> str:
    return f"EXECUTE format('CREATE INDEX %I ON %I ({columns}) {known}', found.leaf || '_{name}', found.leaf);"


def _open_to_requests(table: str, condition: str = OF_TENANT) -> None:
    op.execute(f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON {table} TO imdb_api USING ({condition})")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT ON {table} TO imdb_api")
