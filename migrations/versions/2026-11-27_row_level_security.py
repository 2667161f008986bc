"""Row-level security: the API's requests get a role that owns nothing and sees the rows of one tenant.

Revision: 2026_11_27_row_security, after 2026_11_26_keys

The transaction has `lock_timeout = 5s` (env.py). Nothing is written anew. The role belongs to the whole server, so it
may be there already, made for another database or by an administrator where the owner of the tables may not make roles.
"""

from alembic import op

revision: str = "2026_11_27_row_security"
down_revision: str | None = "2026_11_26_keys"
branch_labels: None = None
depends_on: None = None

# Another database of this server may migrate at the same moment: what it has done meanwhile need not be done again.
# From version 16 on, to be a member of a role and to be allowed to put it on are two things.
CREATE_ROLE = """
DO $$
DECLARE
    put_on text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'imdb_api') THEN
            CREATE ROLE imdb_api NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'imdb_api' AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'the role imdb_api sees every row: make it NOSUPERUSER NOBYPASSRLS';
    END IF;
    BEGIN
        IF NOT EXISTS (
            SELECT FROM pg_roles WHERE rolname = 'imdb_api' AND pg_has_role(current_user, oid, put_on)
        ) THEN
            GRANT imdb_api TO CURRENT_USER;
        END IF;
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
END $$
"""

# It stays while any other database, or a login of the API, still needs it.
DROP_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_auth_members WHERE roleid = 'imdb_api'::regrole AND member <> current_user::regrole
    ) THEN
        DROP ROLE imdb_api;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object THEN NULL;
END $$
"""

# After a COMMIT the setting is '' and not null. As a subquery it is asked once and not for each row.
OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
# Of the uploads only the tenant's own are seen here: their policy holds in this one, too.
OF_UPLOAD = "EXISTS (SELECT FROM uploads WHERE uploads.number = {table}.upload_number)"
# An upload may have a million rejects, and a request may group them all: hashing the tenant's uploads costs less than
# asking for each row, and the planner sees that it does (with EXISTS it sorts them, which takes three times as long).
OF_ONE_OF_ITS_UPLOADS = "upload_number IN (SELECT number FROM uploads)"
# Who asks with a key knows its id, and sees this one row.
OF_KEY = "id = (SELECT nullif(current_setting('app.key_id', true), ''))"

POLICIES = {
    "api_keys": OF_KEY,
    "uploads": OF_TENANT,
    "idempotency_keys": OF_TENANT,
    "movies": OF_TENANT,
    "movie_totals": OF_TENANT,
    "batches": OF_UPLOAD,
    "rejects": OF_ONE_OF_ITS_UPLOADS,
    "upload_events": OF_UPLOAD,
    "upload_totals": OF_UPLOAD,
}

REGISTERED = (
    *("number", "tenant", "filename", "dataset", "dialect", "header", "use_celery", "trace_id", "forced", "mends"),
    *("on_error", "max_rejects", "max_rejects_percent", "storage_key", "size_bytes", "sha256"),
    *("content_bytes", "content_sha256", "header_bytes", "rung_at"),
)
SPLIT = ("upload_number", "number", "byte_start", "byte_end", "first_line", "line_feeds")
COUNTED = ("read_records", "loaded_records", "rejected_records", "duplicate_records")
HELD = ("created_at", "holder", "lease_until", "fingerprint", "upload_id", "answer")

# What requests do: they read, register uploads with their batches, and keep idempotency keys. The rest, states above
# all, is the owner's. Partitions are not here: their parents' policies would not hold for who asks them directly.
RIGHTS = (
    ("SELECT", "uploads"),
    (f"INSERT ({', '.join(REGISTERED)})", "uploads"),
    (f"SELECT ({', '.join(('upload_number', 'number', 'byte_start', 'byte_end', 'state', *COUNTED))})", "batches"),
    (f"INSERT ({', '.join(SPLIT)})", "batches"),
    ("SELECT", "rejects"),
    ("SELECT", "upload_events"),
    ("SELECT", "movies"),
    ("SELECT", "movie_totals"),
    ("SELECT, INSERT, DELETE", "idempotency_keys"),
    (f"UPDATE ({', '.join(HELD)})", "idempotency_keys"),
    ("SELECT (id, secret_hash, tenants, scopes, expires_at, revoked_at, last_used_at)", "api_keys"),
    ("UPDATE (last_used_at)", "api_keys"),
    ("SELECT", "alembic_version"),
    ("USAGE", "SEQUENCE small_upload_numbers, large_upload_numbers"),
    ("USAGE", "SCHEMA public"),
)

# COPY refuses a table with policies, so the rows lie in a partition, which needs none. It has the range of all numbers:
# NOT NULL proves that its rows are in it, and nothing is scanned.
REJECTS = """
CREATE TABLE rejects (
    LIKE rejects_all INCLUDING DEFAULTS,
    CONSTRAINT pk_rejects PRIMARY KEY (upload_number, line_number, position),
    CONSTRAINT fk_rejects_upload_number FOREIGN KEY (upload_number) REFERENCES uploads (number) ON DELETE CASCADE
) PARTITION BY RANGE (upload_number)
"""
PARTITION_REJECTS = (
    "ALTER TABLE rejects RENAME TO rejects_all",
    "ALTER TABLE rejects_all RENAME CONSTRAINT pk_rejects TO rejects_all_pkey",
    REJECTS,
    "ALTER TABLE rejects ATTACH PARTITION rejects_all FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
)
UNITE_REJECTS = (
    "ALTER TABLE rejects DETACH PARTITION rejects_all",
    "DROP TABLE rejects",
    "ALTER TABLE rejects_all RENAME TO rejects",
    "ALTER TABLE rejects RENAME CONSTRAINT rejects_all_pkey TO pk_rejects",
)


def upgrade() -> None:
    op.execute(CREATE_ROLE)
    for statement in PARTITION_REJECTS:
        op.execute(statement)
    # A foreign key looks past policies: with the tenant in it, nobody mends another one's upload.
    op.create_unique_constraint("uq_uploads_number_tenant", "uploads", ["number", "tenant"])
    _replace_mends(["mends", "tenant"], ["number", "tenant"])
    # Requests have no right to write the history; the trigger does it for them.
    op.execute("ALTER FUNCTION record_upload_state() SECURITY DEFINER SET search_path = public, pg_temp")
    for table, condition in POLICIES.items():
        # FORCE binds the owner, too, who need be no superuser and sees all rows by a policy of its own.
        op.execute(f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)")
        op.execute(f"CREATE POLICY of_requests ON {table} TO imdb_api USING ({condition.format(table=table)})")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    for right, things in RIGHTS:
        op.execute(f"GRANT {right} ON {things} TO imdb_api")


def downgrade() -> None:
    for right, things in RIGHTS:
        op.execute(f"REVOKE {right} ON {things} FROM imdb_api")
    for table in POLICIES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
        op.execute(f"DROP POLICY of_requests ON {table}")
        op.execute(f"DROP POLICY of_owner ON {table}")
    op.execute("ALTER FUNCTION record_upload_state() SECURITY INVOKER RESET ALL")
    _replace_mends(["mends"], ["number"])
    op.drop_constraint("uq_uploads_number_tenant", "uploads")
    for statement in UNITE_REJECTS:
        op.execute(statement)
    op.execute(DROP_ROLE)


def _replace_mends(columns: list[str], referred: list[str]) -> None:
    op.drop_constraint("fk_uploads_mends", "uploads")
    op.create_foreign_key("fk_uploads_mends", "uploads", "uploads", columns, referred, ondelete="CASCADE")
