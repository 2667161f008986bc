"""Which tenant a row belongs to: by the statements of requests, and once more by the database."""

from typing import Final

from tests.seeded_bugs import Bug

ENGINE: Final = "shared/database/engine.py"
POLICIES: Final = "migrations/versions/2026-11-27_row_level_security.py"
ROWS: Final = "tests/integration/database/test_row_security.py::"
QUERIES: Final = "shared/database/queries/"
FILTERS: Final = "tests/integration/database/test_tenant_filters.py::"
KEYS: Final = "tests/system/api/test_keys.py::"
ISOLATION: Final = "tests/system/api/test_isolation.py::"
PLAIN: Final = "tests/integration/database/test_plain_owner.py::"
FUZZED: Final = "tests/fuzz/test_schema.py::"

BUGS: Final = (
    # -- one tenant's rows
    Bug(
        "the-tenant-outlives-its-transaction",
        "shared/database/tenancy.py",
        "set_config('app.tenant', :tenant, true)",
        "set_config('app.tenant', :tenant, false)",
        (f"{ROWS}test_the_tenant_ends_with_its_transaction",),
    ),
    Bug(
        "a-table-without-policy",
        POLICIES,
        '    "upload_events": OF_UPLOAD,\n',
        "",
        (f"{ROWS}test_every_table_hides_rows_or_is_closed",),
    ),
    Bug(
        "rejects-of-any-upload-that-a-reader-names",
        "migrations/versions/2026-11-28_rejects_of_one_upload.py",
        "USING ({NAMED_OF_ITS_UPLOADS})",
        "USING (upload_number BETWEEN {NAMED.format(otherwise=0)} AND {NAMED.format(otherwise=2**63 - 1)})",
        (f"{ROWS}test_of_rejects_a_reader_sees_those_of_the_upload_that_it_names",),
    ),
    Bug(
        "policies-do-not-bind-the-owner",
        POLICIES,
        "ENABLE ROW LEVEL SECURITY, FORCE ROW",
        "ENABLE ROW LEVEL SECURITY, NO FORCE ROW",
        (f"{ROWS}test_every_table_hides_rows_or_is_closed",),
    ),
    Bug(
        "readers-as-the-owner",
        ENGINE,
        '                "role": API_ROLE,\n',
        "",
        (f"{ROWS}test_a_reader_sees_its_tenants_rows_and_without_a_tenant_none",),
    ),
    Bug(
        "writers-as-the-owner",
        ENGINE,
        '"role": API_ROLE, "statement_timeout"',
        '"statement_timeout"',
        (f"{ROWS}test_a_writer_sees_its_tenants_rows_and_without_a_tenant_none",),
    ),
    Bug(
        "requests-may-read-partitions",
        POLICIES,
        '    ("SELECT", "movies"),\n',
        '    ("SELECT", "movies"),\n    ("SELECT", "movies_small"),\n',
        (f"{ROWS}test_what_no_request_does_no_request_may",),
    ),
    Bug(
        "another-tenants-upload-is-corrected",
        POLICIES,
        '_replace_mends(["mends", "tenant"], ["number", "tenant"])',
        '_replace_mends(["mends"], ["number"])',
        (f"{ROWS}test_nobody_writes_for_another_tenant",),
    ),
    Bug(
        "policies-are-not-enabled",
        POLICIES,
        "ENABLE ROW LEVEL SECURITY, FORCE",
        "FORCE",
        (f"{ROWS}test_every_table_hides_rows_or_is_closed",),
    ),
    Bug(
        "a-new-table-without-policies",
        POLICIES,
        '    for right, things in RIGHTS:\n        op.execute(f"GRANT',
        '    op.execute("CREATE TABLE notes (tenant text, note text)")\n'
        '    op.execute("GRANT SELECT ON notes TO imdb_api")\n'
        '    for right, things in RIGHTS:\n        op.execute(f"GRANT',
        (f"{ROWS}test_every_table_hides_rows_or_is_closed",),
    ),
    Bug(
        "without-a-tenant-all-rows",
        POLICIES,
        "OF_TENANT = \"tenant = (SELECT nullif(current_setting('app.tenant', true), ''))\"",
        "OF_TENANT = \"coalesce(tenant = (SELECT nullif(current_setting('app.tenant', true), '')), true)\"",
        (f"{ROWS}test_a_writer_sees_its_tenants_rows_and_without_a_tenant_none",),
    ),
    Bug(
        "policies-do-not-bind-the-role",
        POLICIES,
        "NOREPLICATION NOBYPASSRLS;",
        "NOREPLICATION BYPASSRLS;",
        (f"{ROWS}test_the_role_is_nobody_owns_nothing_and_becomes_nobody_else",),
        also=(("(rolsuper OR rolbypassrls)", "rolsuper"),),
    ),
    Bug(
        "policies-do-not-bind-a-plain-owner",
        POLICIES,
        "ENABLE ROW LEVEL SECURITY, FORCE ROW",
        "ENABLE ROW LEVEL SECURITY, NO FORCE ROW",
        (f"{PLAIN}test_it_is_bound_by_the_policies",),
    ),
    Bug(
        "a-plain-owner-sees-nothing",
        POLICIES,
        '        op.execute(f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)")\n',
        "",
        (f"{PLAIN}test_a_file_with_rejects_is_loaded_seen_and_taken_back",),
    ),
    Bug(
        "a-login-that-may-more",
        "shared/database/request_login.py",
        "if is_powerful or roles != [API_ROLE]:",
        "if is_powerful:",
        ("tests/integration/database/test_request_login.py::test_a_user_who_may_more_is_refused",),
    ),
    Bug(
        "past-the-tenants-transaction",
        "api/listings/upload_documents.py",
        "async with tenant_reading(engine, tenant.name) as connection:",
        "async with engine.connect() as connection:",
        (f"{ISOLATION}test_requests_get_connections_from_tenancy_only",),
    ),
    Bug(
        "a-request-as-the-owner",
        "api/routes/corrections.py",
        "to_thread(_correctable, runtime.request_engine,",
        "to_thread(_correctable, runtime.engine,",
        (f"{ISOLATION}test_the_owners_engine_is_used_where_it_must_be",),
    ),
    # -- the first wall: through HTTP the second hides that it is gone
    Bug(
        "an-upload-by-its-id-alone",
        f"{QUERIES}uploads.py",
        "return _with_progress().where(Upload.id == upload_id, Upload.tenant == tenant)",
        "return _with_progress().where(Upload.id == upload_id)",
        (f"{FILTERS}test_a_statement_finds_nothing_of_another_tenant",),
    ),
    Bug(
        "a-listing-of-all-movies",
        f"{QUERIES}browsing/listing.py",
        "conditions = [of_tenant(movies, listing.tenant), *of_collections(listing, movies)]",
        "conditions = [*of_collections(listing, movies)]",
        (f"{FILTERS}test_a_statement_finds_nothing_of_another_tenant",),
    ),
    Bug(
        "corrects-an-upload-by-its-id-alone",
        "shared/ingest/corrections/correction_intake.py",
        "wanted.where(Upload.id == upload_id, Upload.tenant == tenant)",
        "wanted.where(Upload.id == upload_id)",
        (f"{FILTERS}test_nobody_corrects_another_tenants_upload",),
    ),
    # -- what passes by both
    Bug(
        "uploads-are-remembered-for-all",
        "api/listings/upload_documents.py",
        "    if row is None:\n        raise no_such_upload()\n    return upload_of(row, tenant)",
        "    row = row or _SEEN.get(upload_id)\n    if row is None:\n        raise no_such_upload()\n"
        "    _SEEN[upload_id] = row\n    return upload_of(row, tenant)",
        (f"{KEYS}test_what_is_anothers_is_not_there",),
        also=(('UPLOADS_PATH: Final = "', '_SEEN: dict[uuid.UUID, Row[Any]] = {}\nUPLOADS_PATH: Final = "'),),
    ),
    Bug(
        "numbers-are-remembered-for-all",
        "api/routes/rejects.py",
        "    if number is None:\n        raise no_such_upload()\n    return number\n",
        "    if number is None and upload_id not in _NUMBERS:\n        raise no_such_upload()\n"
        "    return _NUMBERS.setdefault(upload_id, number)\n",
        (f"{ISOLATION}test_a_thousand_requests_of_four_tenants_over_four_connections",),
        also=(("Column = Annotated[", "_NUMBERS: dict[uuid.UUID, int | None] = {}\nColumn = Annotated["),),
    ),
    Bug(
        "idempotency-keys-without-a-tenant",
        "api/intake/upload_intake.py",
        "upload.runtime.request_engine, upload.tenant.name, upload.idempotency_key",
        'upload.runtime.request_engine, "public", upload.idempotency_key',
        (f"{KEYS}test_equal_keys_and_equal_bytes_of_two_tenants_do_not_meet",),
    ),
    Bug(
        "any-tenant-that-the-header-names",
        "api/dependencies.py",
        "if name not in tenants:",
        "if not tenants:",
        (f"{FUZZED}test_the_api_does_what_its_document_says",),
    ),
    Bug(
        "summaries-take-all-connections",
        "api/routes/rejects.py",
        "        runtime.summary_locks.held(tenant.name),",
        "        runtime.summary_locks.held(str(uuid.uuid4())),",
        (f"{ISOLATION}test_summaries_of_one_tenant_take_no_connection_from_another",),
    ),
)
