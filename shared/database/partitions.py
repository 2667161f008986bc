"""Where rows are: each tenant has a branch of a table, and each upload or collection a leaf of that.

    movies                      PARTITION BY LIST (tenant): what readers ask; it has the policies
    `-- movies_t<number>        a tenant's branch, PARTITION BY RANGE (collection, id); COPY may write here
        |-- movies_c<number>    the small uploads of a collection: a tenant's rows of one dataset
        |-- movies_u<number>    one large upload
        `-- movies_m<number>    a merged leaf: large uploads of a collection that were leaves of their own

    rejects                     PARTITION BY RANGE (upload_number), only because it has policies
    `-- rejects_all             every row: COPY writes here, because it refuses a table with policies

So the planner looks at the partitions of one tenant only, however many there are of others. Each leaf has all indexes
of its table, and its id is unique; branches and tables have none. Those of words and the `late_indexes` come a little
later to the leaf of a large upload (see `word_indexes`). Requests have no rights on branches and leaves. They query the
tables, whose policies then apply.
"""

from typing import Final

from shared.catalog.table import Index, Table
from shared.database.engine import API_ROLE
from shared.database.models.collections import Collection
from shared.database.record_ids import FIRST_LARGE_ID
from shared.database.row_tables import column_definitions, text_words, words_of

# The id makes each entry different, so building an index need not compare each with the one before.
_ALL_DIFFER: Final = "WITH (deduplicate_items = off)"

# What waits to be put in order is searched from one end to the other, so it must be little.
_LITTLE_WAITS: Final = "WITH (gin_pending_list_limit = 256)"

REJECTS_PARTITION: Final = "rejects_all"
STAGED: Final = "staged_rows"


def upload_leaf(table: str, upload_number: int) -> str:
    """Name of the leaf of a large upload."""
    return f"{table}_u{upload_number}"


def withdrawn_leaf(table: str, upload_number: int) -> str:
    """Name of what was the leaf of a large upload until that was undone."""
    return f"{table}_x{upload_number}"


def staging_table(table: str, upload_number: int) -> str:
    """Name of the table for the records of a large upload of which only some become rows."""
    return f"{table}_w{upload_number}"


def create_staged(table: Table) -> str:
    """SQL for the table `STAGED` of the transaction, for the records of a small upload of that kind."""
    return f"CREATE TEMPORARY TABLE {STAGED} ({', '.join(column_definitions(table))}) ON COMMIT DROP"


def shared_leaf(table: str, collection: int) -> str:
    """Name of the leaf of a collection's small uploads."""
    return f"{table}_c{collection}"


def open_to_requests(table: str) -> list[str]:
    """SQL by which a request sees its tenant's rows of a table, and the owner all of them."""
    is_theirs = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
    return [
        f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)",
        f"CREATE POLICY of_requests ON {table} TO {API_ROLE} USING ({is_theirs})",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        f"GRANT SELECT ON {table} TO {API_ROLE}",
    ]


def close_to_requests(table: str) -> list[str]:
    """SQL that takes back what `open_to_requests` does."""
    return [
        f"REVOKE SELECT ON {table} FROM {API_ROLE}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY of_requests ON {table}",
        f"DROP POLICY of_owner ON {table}",
    ]


def create_table(table: Table) -> list[str]:
    """SQL for the table that readers ask. Migrations create those of built-in tables."""
    columns = ", ".join(column_definitions(table))
    return [f"CREATE TABLE {table.name} ({columns}) PARTITION BY LIST (tenant)", *open_to_requests(table.name)]


def merged_leaf(table: str, merge_number: int) -> str:
    """Name of the leaf that a merge makes of others."""
    return f"{table}_m{merge_number}"


def create_branch(table: Table, branch: str, tenant: str) -> list[str]:
    """SQL for the branch of a tenant. The tenant cannot contain a quote: a CHECK of `uploads` ensures that."""
    columns = ", ".join(column_definitions(table))
    return [
        f"CREATE TABLE {branch} ({columns}) PARTITION BY RANGE (collection, id)",
        f"ALTER TABLE {table.name} ATTACH PARTITION {branch} FOR VALUES IN ('{tenant}')",
    ]


def create_shared_leaf(table: Table, collection: Collection) -> list[str]:
    """SQL for the leaf of a collection's small uploads, with its indexes."""
    leaf = shared_leaf(table.name, collection.number)
    return [
        f"CREATE TABLE {leaf} ({', '.join(column_definitions(table))}, CONSTRAINT {leaf}_pkey PRIMARY KEY (id))",
        *create_indexes(table, leaf),
        *create_word_indexes(table, leaf),
        *create_key_index(table, leaf),
        attach(collection, leaf, 0, FIRST_LARGE_ID),
    ]


def create_leaf(table: Table, collection: Collection, leaf: str, low: int, high: int) -> str:
    """SQL for a leaf with ids in [low, high). It is not yet attached, and so it is invisible.

    Its CHECKs save ATTACH from scanning it. Autovacuum is off while it grows.
    """
    checks = (
        f"CONSTRAINT {leaf}_range CHECK (id >= {low} AND id < {high})",
        f"CONSTRAINT {leaf}_collection CHECK (collection = {collection.number})",
        f"CONSTRAINT {leaf}_tenant CHECK (tenant = '{collection.tenant}')",
    )
    return f"CREATE TABLE {leaf} ({', '.join([*column_definitions(table), *checks])}) WITH (autovacuum_enabled = off)"


def show_leaf(collection: Collection, leaf: str, low: int, high: int) -> list[str]:
    """SQL that attaches a leaf of `create_leaf`, whose indexes are built."""
    return [
        f"ALTER TABLE {leaf} ADD CONSTRAINT {leaf}_pkey PRIMARY KEY USING INDEX {leaf}_pkey",
        f"ALTER TABLE {leaf} RESET (autovacuum_enabled)",
        attach(collection, leaf, low, high),
    ]


def attach(collection: Collection, leaf: str, low: int, high: int) -> str:
    """SQL that makes the leaf, whose ids are in [low, high), a visible part of its collection."""
    return f"ALTER TABLE {collection.branch} ATTACH PARTITION {leaf} FOR VALUES {bounds_of(collection, low, high)}"


def bounds_of(collection: Collection, low: int, high: int) -> str:
    """The rows of a collection with ids in [low, high), as a partition of a branch has them."""
    return f"FROM ({collection.number}, {low}) TO ({collection.number}, {high})"


def create_id_index(leaf: str) -> str:
    """SQL for the index of the ids, which becomes the primary key when the leaf is attached."""
    return f"CREATE UNIQUE INDEX IF NOT EXISTS {leaf}_pkey ON {leaf} (id)"


def analyze(table: Table, leaf: str) -> str:
    """SQL for the statistics of what the indexes are about, and of what every query of a request has as a condition.

    Without the latter, the planner takes the rows of one tenant for a few of the leaf's, and reads them all to sort
    them.
    """
    return f"ANALYZE {leaf} ({', '.join(('tenant', 'collection', 'id', *table.indexed_fields))})"


def create_key_index(table: Table, leaf: str, *, is_unique: bool = False) -> list[str]:
    """SQL for the index of the table's key, if it has one. Uploads may repeat each other's keys, but not their own.

    A row without a value in a part of its key repeats nothing, as PostgreSQL has it. Only a key of one field leaves
    such rows out: the planner would use the index of a longer one only for queries that name all of its fields.
    """
    if not table.key:
        return []
    kind = "UNIQUE INDEX" if is_unique else "INDEX"
    [first, *others] = table.key
    may_lack = not others and not next(field.required for field in table.fields if field.name == first)
    known = f" WHERE {first} IS NOT NULL" if may_lack else ""
    return [f"CREATE {kind} IF NOT EXISTS {leaf}_key ON {leaf} ({', '.join(table.key)}){known}"]


def create_word_indexes(table: Table, leaf: str) -> list[str]:
    """SQL for the indexes of a leaf that find words. They take as long as all others together.

    With them come `late_indexes`. That of `words_index` is the last one, so that where it is, all are.
    """
    of_texts = [f"{leaf}_{name} ON {leaf} USING gin ({text_words(name)})" for name in table.long_texts]
    of_words = [f"{words_index(leaf)} ON {leaf} USING gin ({words_of(table)})"] if table.words else []
    words = [f"CREATE INDEX IF NOT EXISTS {index} {_LITTLE_WAITS}" for index in (*of_texts, *of_words)]
    return [*_ordered(leaf, table.late_indexes), *words]


def words_index(leaf: str) -> str:
    """Name of the index of a leaf's words."""
    return f"{leaf}_words"


# Joins for `table_name` and `branch`: the leaves there whose `words_index` is still to be built, each with its upload.
LEAVES_WITHOUT_WORDS: Final = """
JOIN pg_inherits ON inhparent = to_regclass(branch)
JOIN pg_class AS leaf ON leaf.oid = inhrelid AND to_regclass(leaf.relname || '_words') IS NULL
JOIN uploads USING (table_name)
WHERE uploads.number = substring(leaf.relname FROM '^' || table_name || '_u([0-9]+)$')::bigint
"""


def create_indexes(table: Table, leaf: str) -> list[str]:
    """SQL for the indexes of a leaf, without those of its id, of its key and of words."""
    of_lists = [f"{leaf}_{name} ON {leaf} USING gin ({name}) {_LITTLE_WAITS}" for name in table.lists]
    return [*_ordered(leaf, table.indexes), *(f"CREATE INDEX IF NOT EXISTS {index}" for index in of_lists)]


def _ordered(leaf: str, indexes: tuple[Index, ...]) -> list[str]:
    statements = []
    for index in indexes:
        known = f" WHERE {index.fields[0]} IS NOT NULL" if index.leaves_out_null else ""
        columns = ", ".join((*index.fields, "id"))
        statements.append(f"CREATE INDEX IF NOT EXISTS {leaf}_{index.name} ON {leaf} ({columns}) {_ALL_DIFFER}{known}")
    return statements
