"""Clients: their keys, and how much they may ask for."""

from typing import Final

from tests.seeded_bugs import Bug

KEYS: Final = "tests/system/api/test_keys.py::"
LIMITS: Final = "tests/system/api/test_limits.py::"
LOADER: Final = "shared/ingest/loading/loader.py"
GIVING_WAY: Final = "tests/system/platform/test_giving_way.py::test_a_large_upload_gives_way_to_a_small_one"
UPLOAD_QUOTA: Final = "api/intake/upload_quota.py"

BUGS: Final = (
    # -- keys
    Bug(
        "one-method-needs-no-key",
        "api/middleware/authentication.py",
        'if scope["type"] == "lifespan" or',
        'if scope["type"] == "lifespan" or scope.get("method") == "PUT" or',
        (f"{KEYS}test_all_but_the_public_needs_a_key",),
    ),
    Bug(
        "public-by-the-beginning-of-the-path",
        "api/middleware/authentication.py",
        'scope["path"] in self._public',
        'scope["path"].startswith(tuple(self._public))',
        (f"{KEYS}test_all_but_the_public_needs_a_key",),
    ),
    Bug(
        "wrong-secret-is-taken",
        "api/middleware/authentication.py",
        "if row is None or not is_right or",
        "if row is None or",
        (f"{KEYS}test_a_wrong_key_does_not_tell_why_it_is_wrong",),
    ),
    Bug(
        "revoked-key-is-taken",
        "api/middleware/authentication.py",
        ' or row.state == "revoked":',
        ":",
        (f"{KEYS}test_a_revoked_key_ends_with_the_next_request",),
    ),
    Bug(
        "expired-key-is-taken",
        "api/middleware/authentication.py",
        'if row.state == "expired":',
        'if row.state == "over":',
        (f"{KEYS}test_that_a_key_has_expired_is_told_to_who_has_it",),
    ),
    Bug(
        "scope-is-not-asked-for",
        "api/middleware/authentication.py",
        '            _require_scope(client, scope["method"], scope["path"])\n',
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
        "api/middleware/authentication.py",
        "            await _refusal(request, error)(scope, receive, send)\n            return\n",
        "            if isinstance(error, IngestError):\n"
        "                await _refusal(request, error)(scope, receive, send)\n                return\n"
        '            client, is_use_due = Client("", ("public",), frozenset({"admin"})), False\n',
        (f"{KEYS}test_nobody_gets_in_while_keys_cannot_be_looked_up",),
    ),
    Bug(
        "body-of-a-refused-request-is-read",
        "api/middleware/authentication.py",
        "            await _refusal(request, error)(scope, receive, send)\n",
        "            response = _refusal(request, error)\n"
        '            while (await receive()).get("more_body"):\n                pass\n'
        "            await response(scope, receive, send)\n",
        (f"{KEYS}test_a_body_without_a_key_is_not_read",),
    ),
    Bug(
        "rotated-key-works-for-ever",
        "shared/keys/administration.py",
        "    connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(expires_at=end))\n",
        "",
        ("tests/integration/keys/test_api_keys.py::test_an_overlap_never_makes_a_key_live_longer",),
    ),
    Bug(
        "secret-is-stored",
        "shared/keys/administration.py",
        "**values)\n",
        '**{**values, "name": key.text})\n',
        ("tests/integration/keys/test_api_keys.py::test_a_copy_of_the_database_opens_nothing",),
    ),
    Bug(
        "secrets-that-can-be-guessed",
        "shared/keys/api_key.py",
        "_SECRET_LENGTH: Final = 43",
        "_SECRET_LENGTH: Final = 6",
        ("tests/integration/keys/test_api_keys.py::test_a_key_has_its_form",),
    ),
    Bug(
        "secrets-in-the-log",
        "api/middleware/authentication.py",
        'log.info("key_refused", key_id=key.id,',
        'log.info("key_refused", key_id=key.text,',
        (f"{KEYS}test_logs_name_the_key_and_never_hold_it",),
    ),
    Bug(
        "a-secret-is-shown-twice",
        "cli/keys.py",
        "This is key {new.key.id}.",
        "This is key {new.key.text}.",
        ("tests/system/cli/test_keys.py::test_a_key_is_shown_once_and_opens_the_api",),
    ),
    # -- limits
    Bug(
        "requests-of-a-key-are-not-counted",
        "api/middleware/authentication.py",
        "            await limits.count(limits.requests_of_key(client.key_id))\n",
        "",
        (f"{LIMITS}test_a_key_has_so_many_requests_a_minute_and_others_do_not_notice",),
    ),
    Bug(
        "keys-of-a-tenant-count-apart",
        "api/dependencies.py",
        "await limits.count(await limits.requests_of_tenant(tenant.name))",
        "await limits.count(await limits.requests_of_tenant(uuid4().hex))",
        (f"{LIMITS}test_all_keys_of_a_tenant_count_together",),
        also=(("from typing import", "from uuid import uuid4\nfrom typing import"),),
    ),
    Bug(
        "bytes-are-not-counted",
        "api/intake/streaming.py",
        "        await meter.settle()\n",
        "",
        (f"{LIMITS}test_bytes_of_a_day_are_counted_before_and_while_they_come",),
    ),
    Bug(
        "slots-without-end",
        "api/limits/slots.py",
        "if held >= tonumber(ARGV[4]) then return 0 end\n",
        "",
        (f"{LIMITS}test_a_key_sends_so_many_files_at_a_time",),
    ),
    Bug(
        "refused-keys-are-not-counted",
        "api/middleware/authentication.py",
        "        await runtime.limits.count(runtime.limits.refused_keys_of(_address_of(request)))\n",
        "",
        (f"{LIMITS}test_keys_that_do_not_count_are_throttled_and_those_that_do_are_not",),
    ),
    Bug(
        "announced-bytes-are-not-looked-at",
        UPLOAD_QUOTA,
        "    await meter.expect(int(announced) if announced.isdecimal() else 1)\n",
        "",
        (f"{LIMITS}test_bytes_of_a_day_are_counted_before_and_while_they_come",),
    ),
    Bug(
        "bytes-of-a-tenant-are-not-counted",
        UPLOAD_QUOTA,
        "(limits.bytes_of_key(client.key_id), await limits.bytes_of_tenant(tenant))",
        "(limits.bytes_of_key(client.key_id),)",
        (f"{LIMITS}test_all_keys_of_a_tenant_share_its_bytes",),
    ),
    Bug(
        "slots-of-a-tenant-are-each-keys",
        UPLOAD_QUOTA,
        'held(f"tenant {tenant}", ',
        'held(f"tenant of {client.key_id}", ',
        (f"{LIMITS}test_all_keys_of_a_tenant_share_its_slots",),
    ),
    Bug(
        "uploads-that-wait-take-no-slot",
        UPLOAD_QUOTA,
        "of_tenant + await _unpublished_uploads(runtime.read_engine, tenant) > most_of_tenant",
        "of_tenant > most_of_tenant",
        (f"{LIMITS}test_a_tenant_has_so_many_uploads_at_a_time_those_that_are_tried_again_included",),
    ),
    Bug(
        "without-redis-no-limits",
        "api/limits/quotas.py",
        "return await question(self._own)",
        "return True",
        (f"{LIMITS}test_without_redis_each_process_counts_alone",),
    ),
    # -- no tenant waits for others
    Bug(
        "slices-of-a-background-loader-without-end",
        "shared/ingest/loading/background_loader.py",
        "stopping.is_set() or time.monotonic() > slice_ends",
        "stopping.is_set()",
        (f"{GIVING_WAY}[False]",),
    ),
    Bug(
        "slices-of-a-worker-without-end",
        "worker/tasks.py",
        "runtime.is_stopping() or time.monotonic() > slice_ends",
        "runtime.is_stopping()",
        (f"{GIVING_WAY}[True]",),
    ),
    Bug(
        "notifications-decide-which-tenant-is-served",
        "shared/ingest/loading/scheduling.py",
        "ORDER BY schedule.last_served_at NULLS FIRST, upload.id <> notified.id,",
        "ORDER BY upload.id <> notified.id, schedule.last_served_at NULLS FIRST,",
        ("tests/system/platform/test_fair_scheduling.py::test_many_uploads_of_one_tenant_do_not_delay_another",),
    ),
    Bug(
        "tenants-are-served-that-have-nothing-to-do",
        "shared/ingest/loading/scheduling.py",
        "          AND (lease_until IS NULL OR lease_until < clock_timestamp()))\n",
        "    )\n",
        ("tests/integration/ingest/test_scheduling.py::test_only_a_tenant_with_a_batch_to_claim_is_served",),
    ),
    Bug(
        "a-notification-that-served-another-is-forgotten",
        LOADER,
        "return self._try(upload_id, should_stop) or upload_id != notified_id",
        "return self._try(upload_id, should_stop)",
        ("tests/integration/ingest/test_scheduling.py::test_a_notification_that_served_another_tenant_is_sent_again",),
    ),
    Bug(
        "a-redis-that-hangs-is-asked-each-time",
        "api/impatient_redis.py",
        "            self._away_until = now + _PAUSE_SECONDS\n",
        "",
        (f"{LIMITS}test_a_redis_that_hangs_delays_one_request_and_not_each",),
    ),
    Bug(
        "a-retry-takes-no-slot",
        "api/routes/uploads.py",
        "    async with upload_slot(request, runtime, tenant.name):\n",
        "    if request:\n",
        (f"{LIMITS}test_a_tenant_has_so_many_uploads_at_a_time_those_that_are_tried_again_included",),
    ),
    Bug(
        "slots-are-counted-before-they-are-held",
        UPLOAD_QUOTA,
        "of_tenant + await _unpublished_uploads(runtime.read_engine, tenant) > most_of_tenant",
        "await _unpublished_uploads(runtime.read_engine, tenant) >= most_of_tenant",
        (f"{LIMITS}test_many_tries_at_once_take_no_more_slots",),
    ),
    Bug(
        "refused-bytes-cost-nothing",
        "api/limits/quotas.py",
        "            await self._hit(quota, left)\n",
        "",
        (f"{LIMITS}test_bytes_of_a_day_are_counted_before_and_while_they_come",),
    ),
    Bug(
        "come-back-when-one-byte-is-free",
        "shared/quota.py",
        "previous_expires_in - (room + 1 - current_count) * window_seconds / previous_count",
        "previous_expires_in % (window_seconds / previous_count)",
        (f"{LIMITS}test_who_comes_back_when_told_has_room_and_not_much_earlier",),
    ),
    Bug(
        "come-back-tomorrow-with-what-never-fits",
        "shared/quota.py",
        "if self.amount and size_bytes > self.amount:",
        "if False:",
        (f"{LIMITS}test_a_file_that_fits_into_no_day_is_too_large",),
    ),
    Bug(
        "without-redis-slots-without-end",
        "api/limits/slots.py",
        "return self._own[name] + 1 if self._own[name] < most else 0",
        "return 1",
        (f"{LIMITS}test_without_redis_each_process_counts_alone",),
    ),
)
