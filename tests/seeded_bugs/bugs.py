"""Mistakes that somebody could make, and the tests that must not let them pass."""

from typing import Final

from tests.seeded_bugs import Bug

WORK: Final = "shared/ingest/work.py"
LOAD: Final = "shared/ingest/load.py"
PUBLISH: Final = "shared/ingest/publish.py"
CONTROL: Final = "shared/ingest/control.py"
SWEEP: Final = "shared/ingest/sweep.py"
MENDED: Final = "shared/ingest/mended.py"
LOADING: Final = "tests/shared/test_load.py::"
ACTIONS: Final = "tests/shared/test_control.py::"
PROMISES: Final = "tests/shared/test_promises.py::"
MENDING: Final = "tests/shared/test_mend.py::"
MENDING_STATES: Final = "tests/shared/test_mend_states.py::"
KEYS: Final = "tests/api/test_keys.py::"
LIMITS: Final = "tests/api/test_limits.py::"
DOORBELL: Final = "tests/api/test_doorbell.py::"
ENGINE: Final = "shared/database/engine.py"
POLICIES: Final = "migrations/versions/2026-11-27_row_level_security.py"
ROWS: Final = "tests/shared/test_row_security.py::"
DEADLINES: Final = "api/deadlines.py"
LOCAL_ONLY: Final = "api/local_only.py"
BODY_LIMITS: Final = "api/body_limits.py"
SLOW: Final = "tests/api/test_slow_clients.py::"
LYING: Final = "tests/api/test_lying_clients.py::"
SERVER: Final = "tests/api/test_server.py::"
PARAMETERS: Final = "tests/api/test_parameters.py::"


BUGS: Final = (
    # -- who has a batch, and until when
    Bug(
        "claim-ignores-lease",
        WORK,
        "lease_until < clock_timestamp())",
        "lease_until > '-infinity')",
        (f"{PROMISES}test_leases_are_by_the_servers_clock",),
    ),
    Bug(
        "lease-by-the-clients-clock",
        WORK,
        "clock_timestamp() + make_interval(secs => %(lease_seconds)s),\n    session_pid",
        "to_timestamp(%(lease_seconds)s),\n    session_pid",
        (f"{PROMISES}test_leases_are_by_the_servers_clock",),
        also=(
            ("import socket\n", "import socket\nimport time\n"),
            ("loader=loader, lease_seconds=lease", "loader=loader, lease_seconds=time.time() + lease"),
        ),
    ),
    Bug(
        "claims-wait-for-each-other",
        WORK,
        "FOR UPDATE SKIP LOCKED",
        "FOR UPDATE",
        (f"{PROMISES}test_claims_do_not_wait_for_each_other",),
    ),
    Bug(
        "claim-from-an-upload-that-ended",
        WORK,
        "AND EXISTS (SELECT FROM uploads WHERE number = %(upload)s AND state = 'loading')",
        "",
        (f"{PROMISES}test_a_cancelled_uploads_batches_are_nobodys",),
    ),
    Bug(
        "give-back-without-epoch",
        WORK,
        'AND epoch = %(epoch)s AND state = \'pending\'\n"""',
        'AND epoch >= %(epoch)s AND state = \'pending\'\n"""',
        (f"{PROMISES}test_a_loader_that_lost_its_batch_cannot_give_it_back",),
    ),
    # -- one transaction, and the fence at its end
    Bug(
        "commit-without-epoch",
        WORK,
        "AND epoch = %(epoch)s AND state = 'pending'\nRETURNING",
        "AND epoch >= %(epoch)s AND state = 'pending'\nRETURNING",
        (f"{LOADING}test_a_loader_whose_lease_was_taken_cannot_commit",),
    ),
    Bug(
        "rows-committed-before-the-fence",
        LOAD,
        "connection.copy(REJECTS_PARTITION, validated.rejects)",
        "with connection.transaction():\n            connection.copy(REJECTS_PARTITION, validated.rejects)",
        (f"{LOADING}test_a_loader_whose_lease_was_taken_cannot_commit",),
    ),
    Bug(
        "ledger-in-a-transaction-of-its-own",
        LOAD,
        "finish_batch(connection, work, batch, read, loaded, rejected)",
        "with connection.transaction():\n            finish_batch(connection, work, batch, read, loaded, rejected)",
        (f"{PROMISES}test_rows_rejects_and_ledger_are_one_transaction",),
    ),
    # -- what is published is proven
    Bug(
        "publish-without-epoch",
        PUBLISH,
        "epoch = coalesce(%(epoch)s, epoch)",
        "epoch >= coalesce(%(epoch)s, epoch)",
        (f"{PROMISES}test_a_publisher_whose_turn_was_taken_publishes_nothing",),
    ),
    Bug(
        "publish-while-batches-are-pending",
        PUBLISH,
        "AND NOT EXISTS (SELECT FROM batches WHERE upload_number = %(upload)s AND state = 'pending')",
        "",
        (f"{LOADING}test_nobody_publishes_while_a_batch_is_pending",),
    ),
    Bug(
        "publish-with-a-gap",
        PUBLISH,
        "if not tiled or byte_start",
        "if byte_start",
        (f"{LOADING}test_what_cannot_be_proven_is_failed",),
    ),
    Bug(
        "publish-without-counting-movies",
        PUBLISH,
        "+ duplicate, counted_movies, counted_rejects)",
        "+ duplicate, loaded, counted_rejects)",
        (f"{LOADING}test_what_cannot_be_proven_is_failed",),
    ),
    Bug(
        "publish-without-counting-rejects",
        PUBLISH,
        "+ duplicate, counted_movies, counted_rejects)",
        "+ duplicate, counted_movies, rejected)",
        (f"{LOADING}test_what_cannot_be_proven_is_failed",),
    ),
    Bug(
        "large-file-is-not-verified",
        PUBLISH,
        "running.add(executor.submit(verify_content, storage, work))",
        "pass",
        (f"{PROMISES}test_bytes_that_changed_on_the_disk_are_not_published",),
    ),
    Bug(
        "small-file-is-not-verified",
        LOAD,
        "verify_content(self.storage, work)",
        "pass",
        (f"{PROMISES}test_bytes_that_changed_on_the_disk_are_not_published",),
    ),
    Bug(
        "totals-are-overwritten",
        PUBLISH,
        "movies = total.movies + excluded.movies",
        "movies = excluded.movies",
        (f"{ACTIONS}test_undo_takes_everything_back",),
    ),
    # -- cancel, fail, undo, retry
    Bug(
        "cancel-without-revoking",
        CONTROL,
        "            _revoke(connection, number)\n",
        "",
        (f"{PROMISES}test_a_cancelled_uploads_batches_are_nobodys",),
    ),
    Bug(
        "cancel-leaves-rejects",
        CONTROL,
        "            connection.execute(delete(Reject).where(Reject.upload_number == number))\n",
        "",
        (f"{ACTIONS}test_cancel_leaves_nothing_and_retry_loads_all",),
    ),
    Bug(
        "fail-without-revoking",
        WORK,
        "        connection.execute(_REVOKE_BATCHES, upload=number)",
        "        pass",
        (f"{PROMISES}test_a_failed_uploads_batches_are_nobodys",),
    ),
    Bug(
        "undo-keeps-the-totals",
        CONTROL,
        'connection.execute(_SUBTRACT_FROM_TOTALS, {"number": number, "tenant": tenant})',
        "pass",
        (f"{ACTIONS}test_undo_takes_everything_back",),
    ),
    Bug(
        "anybody-may-undo",
        CONTROL,
        "    mine = Upload.id == upload_id, Upload.tenant == tenant\n",
        "    mine = (Upload.id == upload_id,)\n",
        (f"{ACTIONS}test_what_the_state_forbids",),
    ),
    Bug(
        "retry-keeps-the-attempts-of-a-batch",
        CONTROL,
        "            attempts=0,\n",
        "",
        (f"{PROMISES}test_a_retry_forgets_the_attempts_of_a_batch",),
    ),
    Bug(
        "retry-keeps-the-attempts-to-publish",
        CONTROL,
        "            publish_attempts=0,\n",
        "",
        (f"{PROMISES}test_a_publication_that_crashes_ends_the_upload_and_a_retry_forgets_it",),
    ),
    # -- mending
    Bug(
        "mends-an-upload-that-was-undone",
        MENDED,
        "AND state = 'completed' FOR NO KEY UPDATE",
        "FOR NO KEY UPDATE",
        (f"{MENDING_STATES}test_a_parent_that_is_undone_while_a_mending_is_prepared",),
    ),
    Bug(
        "mends-what-was-mended",
        MENDED,
        "if is_wanted.all():",
        "if is_wanted.any() or True:",
        (f"{MENDING}test_mending_twice_loads_once",),
    ),
    Bug(
        "a-line-twice-in-a-mending",
        MENDED,
        "kept = is_line & is_first",
        "kept = is_line",
        (f"{MENDING}test_lines_that_are_none_unknown_or_repeated_are_rejects_of_the_mending",),
    ),
    Bug(
        "mended-rows-are-not-counted",
        MENDED,
        "        _add_to_totals(connection, work, counted(mended.movies))\n",
        "",
        (f"{MENDING}test_the_account_closes_and_rows_have_the_ids_of_their_lines",),
    ),
    Bug(
        "a-mending-is-undone-alone",
        CONTROL,
        "        _undo_mendings(connection, number)\n",
        "",
        (f"{MENDING_STATES}test_a_mending_cannot_be_undone_but_cancelled_and_retried",),
    ),
    # -- the sweep
    Bug(
        "sweep-rings-before-its-commit",
        SWEEP,
        "dead = connection.execute(_DEAD_TABLES)",
        "[ring(*each) for each in waiting]\n        dead = connection.execute(_DEAD_TABLES)",
        (f"{PROMISES}test_the_sweep_rings_when_what_it_did_is_committed",),
    ),
    Bug(
        "sweep-trusts-a-lease-that-ended",
        SWEEP,
        "AND state = 'pending' AND lease_until >= clock_timestamp()",
        "AND state = 'pending' AND lease_until IS NOT NULL",
        (f"{ACTIONS}test_the_sweep_leaves_a_working_loader_alone",),
    ),
    Bug(
        "poisoned-batch-never-fails",
        SWEEP,
        "'pending' AND attempts >= :max_attempts",
        "'pending' AND attempts > :max_attempts",
        (f"{ACTIONS}test_a_batch_that_kills_its_loaders_ends_the_upload",),
    ),
    Bug(
        "poisoned-publication-never-fails",
        SWEEP,
        "publish_attempts >= :max_attempts",
        "publish_attempts > :max_attempts",
        (f"{PROMISES}test_a_publication_that_crashes_ends_the_upload_and_a_retry_forgets_it",),
    ),
    Bug(
        "old-files-are-removed-though-they-wait",
        "shared/ingest/housekeeping.py",
        "key not in known and age_seconds",
        "age_seconds",
        (f"{PROMISES}test_housekeeping_removes_only_files_that_nobody_needs",),
    ),
    # -- once, and within a budget
    Bug(
        "key-for-any-file",
        "shared/ingest/idempotency.py",
        "json.dumps([sha256, options]",
        "json.dumps([options]",
        ("tests/api/test_once.py::test_a_key_is_for_one_request",),
    ),
    Bug(
        "one-file-for-all-tenants",
        "shared/ingest/accept.py",
        "mine = Upload.tenant == options.tenant, ",
        "mine = ",
        (f"{PROMISES}test_the_same_file_is_loaded_once_for_each_tenant",),
    ),
    Bug(
        "budget-only-at-the-end",
        LOAD,
        "            enforce_budget(connection, work)",
        "            pass",
        (f"{PROMISES}test_the_rest_of_a_file_over_its_budget_is_not_loaded",),
    ),
    Bug(
        "rejects-of-a-file-over-its-budget-are-lost",
        LOAD,
        "        connection.copy(REJECTS_PARTITION, validated.rejects)",
        "        if not is_over_budget:\n            connection.copy(REJECTS_PARTITION, validated.rejects)",
        (f"{PROMISES}test_a_budget_is_exact",),
    ),
    # -- splitting and reading
    Bug(
        "last-record-without-newline-is-lost",
        "shared/ingest/split.py",
        "        if self._pending:\n",
        '        if self._pending.endswith(b"\\n"):\n',
        ("tests/shared/test_split.py::test_spans_tile_any_content",),
    ),
    Bug(
        "cut-inside-quotes",
        "shared/ingest/split.py",
        "if quotes % 2 == 0:",
        "if quotes >= 0:",
        ("tests/shared/test_split.py::test_spans_hold_whole_records",),
        also=(("if is_sound(data, self._dialect, self._fields):", "if data:"),),
    ),
    Bug(
        "cut-where-quotes-are-damaged",
        "shared/ingest/split.py",
        "if is_sound(data, self._dialect, self._fields):",
        "if data:",
        ("tests/shared/test_read.py::test_batches_make_no_difference_to_what_fuzzing_found",),
    ),
    Bug(
        "faulty-records-are-not-counted",
        "shared/ingest/records.py",
        "return len(self.places)",
        "return int(self.table.num_rows)",
        ("tests/shared/test_read.py::test_damage_stays_local",),
    ),
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
        "rejects-for-whoever-names-their-upload",
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
        "another-tenants-upload-is-mended",
        POLICIES,
        '_replace_mends(["mends", "tenant"], ["number", "tenant"])',
        '_replace_mends(["mends"], ["number"])',
        (f"{ROWS}test_nobody_writes_for_another_tenant",),
    ),
    # -- doorbells
    Bug(
        "ring-before-commit",
        "api/accepting.py",
        "is_committing = True",
        "upload.runtime.bells.ring(registered.upload_id, upload.use_celery)\n            is_committing = True",
        (f"{DOORBELL}test_the_bell_rings_once_and_after_the_commit",),
    ),
    Bug(
        "late-acknowledgement",
        "worker/app.py",
        "task_acks_late=False",
        "task_acks_late=True",
        (f"{DOORBELL}test_a_worker_acknowledges_before_the_work_and_keeps_no_results",),
    ),
    Bug(
        "results-are-kept",
        "worker/app.py",
        "result_backend=None",
        "result_backend=settings.redis_url",
        (f"{DOORBELL}test_a_worker_acknowledges_before_the_work_and_keeps_no_results",),
    ),
    # -- limits
    Bug(
        "requests-of-a-key-are-not-counted",
        "api/authentication.py",
        "            await limits.count(limits.requests_of_key(client.key_id))\n",
        "",
        (f"{LIMITS}test_a_key_has_so_many_requests_a_minute_and_others_do_not_notice",),
    ),
    Bug(
        "keys-of-a-tenant-count-apart",
        "api/dependencies.py",
        "await limits.count(limits.requests_of_tenant(tenant.name))",
        "await limits.count(limits.requests_of_tenant(uuid4().hex))",
        (f"{LIMITS}test_all_keys_of_a_tenant_count_together",),
        also=(("from typing import", "from uuid import uuid4\nfrom typing import"),),
    ),
    Bug(
        "bytes-are-not-counted",
        "api/receiving.py",
        "        await meter.settle()\n",
        "",
        (f"{LIMITS}test_bytes_of_a_day_are_counted_before_and_while_they_come",),
    ),
    Bug(
        "slots-without-end",
        "api/slots.py",
        "if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end\n",
        "",
        (f"{LIMITS}test_a_key_sends_so_many_files_at_a_time",),
    ),
    Bug(
        "refused-keys-are-not-counted",
        "api/authentication.py",
        "        await runtime.limits.count(runtime.limits.refused_keys_of(_address_of(request)))\n",
        "",
        (f"{LIMITS}test_keys_that_do_not_count_are_throttled_and_those_that_do_are_not",),
    ),
    # -- keys
    Bug(
        "one-method-needs-no-key",
        "api/authentication.py",
        'if scope["type"] == "lifespan" or',
        'if scope["type"] == "lifespan" or scope.get("method") == "PUT" or',
        (f"{KEYS}test_all_but_the_public_needs_a_key",),
    ),
    Bug(
        "public-by-the-beginning-of-the-path",
        "api/authentication.py",
        'scope["path"] in self._public',
        'scope["path"].startswith(tuple(self._public))',
        (f"{KEYS}test_all_but_the_public_needs_a_key",),
    ),
    Bug(
        "wrong-secret-is-taken",
        "api/authentication.py",
        "if row is None or not is_right or",
        "if row is None or",
        (f"{KEYS}test_a_wrong_key_does_not_tell_why_it_is_wrong",),
    ),
    Bug(
        "revoked-key-is-taken",
        "api/authentication.py",
        ' or row.state == "revoked":',
        ":",
        (f"{KEYS}test_a_revoked_key_ends_with_the_next_request",),
    ),
    Bug(
        "expired-key-is-taken",
        "api/authentication.py",
        'if row.state == "expired":',
        'if row.state == "over":',
        (f"{KEYS}test_that_a_key_has_expired_is_told_to_who_has_it",),
    ),
    Bug(
        "scope-is-not-asked-for",
        "api/authentication.py",
        '            _require_scope(client, scope["method"])\n',
        "",
        (f"{KEYS}test_a_scope_is_asked_for_by_the_method",),
    ),
    Bug(
        "tenant-of-the-header-counts",
        "api/dependencies.py",
        "if name not in tenants:",
        "if not tenants:",
        (f"{KEYS}test_a_request_chooses_among_the_keys_tenants_only",),
    ),
    Bug(
        "database-away-lets-in",
        "api/authentication.py",
        "            await _refusal(request, error)(scope, receive, send)\n            return\n",
        "            if isinstance(error, IngestError):\n"
        "                await _refusal(request, error)(scope, receive, send)\n                return\n"
        '            client, is_use_due = Client("", ("public",), frozenset({"admin"})), False\n',
        (f"{KEYS}test_nobody_gets_in_while_keys_cannot_be_looked_up",),
    ),
    Bug(
        "body-of-a-refused-request-is-read",
        "api/authentication.py",
        "            await _refusal(request, error)(scope, receive, send)\n",
        "            response = _refusal(request, error)\n"
        '            while (await receive()).get("more_body"):\n                pass\n'
        "            await response(scope, receive, send)\n",
        (f"{KEYS}test_a_body_without_a_key_is_not_read",),
    ),
    Bug(
        "rotated-key-works-for-ever",
        "shared/keys/control.py",
        "    connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(expires_at=end))\n",
        "",
        ("tests/shared/test_keys.py::test_an_overlap_never_makes_a_key_live_longer",),
    ),
    Bug(
        "secret-is-stored",
        "shared/keys/control.py",
        "**values)\n",
        '**{**values, "name": key.text})\n',
        ("tests/shared/test_keys.py::test_a_copy_of_the_database_opens_nothing",),
    ),
    # -- the door
    Bug(
        "heads-have-no-deadline",
        DEADLINES,
        "        elif self._clock.seconds - self._began >= self.pace.head_seconds:",
        "        elif self._clock.seconds - self._began >= math.inf:",
        (f"{SLOW}test_two_hundred_slow_clients_end_and_disturb_nobody",),
    ),
    Bug(
        "bodies-have-no-pace",
        DEADLINES,
        "if self._body_bytes >= self.pace.window_bytes:",
        "if self._body_bytes >= 0:",
        (f"{SLOW}test_a_slow_upload_keeps_no_idempotency_key",),
    ),
    Bug(
        "our-own-pauses-are-the-clients",
        "api/pace.py",
        "self._seconds + (0.0 if self.read_paused else self._now() - self._since)",
        "self._now()",
        (f"{SLOW}test_time_in_which_we_do_not_read_is_not_the_clients",),
    ),
    Bug(
        "answers-wait-for-ever",
        DEADLINES,
        "return before - waiting < self.pace.window_bytes",
        "return False",
        (f"{SLOW}test_an_answer_that_is_not_taken_is_cut_and_one_that_is_taken_slowly_is_not",),
    ),
    Bug(
        "stalled-heads-take-all-places",
        DEADLINES,
        "        self._make_room()\n",
        "",
        (f"{SLOW}test_a_place_is_made_for_whoever_comes_when_all_are_taken",),
    ),
    Bug(
        "every-address-is-loopback",
        LOCAL_ONLY,
        '(getattr(address, "ipv4_mapped", None) or address).is_loopback',
        "True",
        (f"{SERVER}test_without_keys_the_server_listens_on_no_address_of_others",),
    ),
    Bug(
        "any-name-is-ours",
        LOCAL_ONLY,
        'if not all(self._is_allowed(value) for value in Headers(scope=scope).getlist("host")):',
        "if False:",
        (f"{SERVER}test_a_web_page_cannot_give_this_machine_a_name",),
    ),
    Bug(
        "the-rest-of-a-body-is-the-next-request",
        BODY_LIMITS,
        "                if not body.is_complete:\n",
        "                if False:\n",
        (f"{LYING}test_a_route_without_a_file_reads_no_file",),
    ),
    # -- requests
    Bug(
        "misspelt-parameters-are-ignored",
        "api/parameters.py",
        "return unknown + repeated",
        "return repeated",
        (f"{PARAMETERS}test_an_upload_with_a_misspelt_option_is_not_taken",),
    ),
    Bug(
        "the-last-of-two-parameters-counts",
        "api/parameters.py",
        "return unknown + repeated",
        "return unknown",
        (f"{PARAMETERS}test_a_parameter_stands_there_once",),
    ),
    Bug(
        "the-first-of-two-tenants-counts",
        "api/parameters.py",
        "if len(request.headers.getlist(name)) > 1",
        "if not request.headers.getlist(name)",
        (f"{PARAMETERS}test_a_header_stands_there_once",),
    ),
    # -- what a stranger sends and reads
    Bug(
        "answers-may-be-sniffed",
        "api/security_headers.py",
        '"X-Content-Type-Options": "nosniff",',
        "",
        ("tests/api/test_headers.py::test_every_answer_has_them",),
    ),
    Bug(
        "spreadsheets-compute-cells",
        "shared/ingest/formulas.py",
        "+ cell if is_computed(cell) else cell",
        "[:0] + cell",
        ("tests/shared/test_sheet.py::test_what_a_spreadsheet_computes_becomes_text",),
    ),
    Bug(
        "rows-in-tracebacks",
        "shared/tracebacks.py",
        "str(original).partition(chr(10))[0]",
        "str(original)",
        ("tests/shared/test_logs.py::test_a_databases_error_is_told_without_the_row",),
    ),
    Bug(
        "rows-in-the-databases-log",
        "stack/postgres.py",
        '"log_error_verbosity": "terse",',
        "",
        ("tests/stack/test_postgres.py::test_no_row_gets_into_the_log",),
    ),
    Bug(
        "file-names-in-the-log",
        "api/receiving.py",
        "limits = settings or runtime.settings",
        'limits = settings or runtime.settings\n        log.info("receiving", filename=source.filename)',
        ("tests/system/test_canary.py::test_no_log_tells_the_secret",),
    ),
    Bug(
        "rows-on-flowers-pages",
        "worker/tasks.py",
        "raise LoadCrashed(type(error).__name__) from None",
        "raise LoadCrashed(str(error)) from None",
        ("tests/system/test_canary.py::test_flower_tells_ids_and_no_secret",),
    ),
    Bug(
        "pickles-are-unpacked",
        "worker/app.py",
        'task_serializer="json",\n    accept_content=["json"]',
        'task_serializer="json",\n    accept_content=["json", "pickle"]',
        ("tests/system/test_canary.py::test_garbage_and_pickles_are_dropped_and_the_worker_goes_on",),
    ),
    Bug(
        "garbage-ends-a-worker",
        "worker/app.py",
        "transport.install()",
        "",
        ("tests/system/test_canary.py::test_garbage_and_pickles_are_dropped_and_the_worker_goes_on",),
    ),
)
