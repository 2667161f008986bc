"""Files that are fetched from addresses."""

from typing import Final

from tests.seeded_bugs import Bug

ADDRESSES: Final = "tests/unit/fetching/test_address.py::"
PULLS: Final = "tests/integration/pulling/test_pulling.py::"
ROUTES: Final = "tests/system/api/test_sources.py::"
QUOTA: Final = "tests/system/api/test_pull_quota.py::"
CLAIMS: Final = "shared/ingest/pulling/claims.py"
FETCH: Final = "shared/fetching/fetch.py"

BUGS: Final = (
    Bug(
        "one-good-address-is-enough",
        "shared/fetching/networks.py",
        "if not all(may_ask",
        "if not any(may_ask",
        (f"{ADDRESSES}test_one_forbidden_address_forbids_the_host",),
    ),
    Bug(
        "ipv4-within-ipv6-is-asked",
        "shared/fetching/networks.py",
        "return is_public and not any",
        "return is_public or not any",
        (f"{ADDRESSES}test_what_is_not_the_public_internet_is_not_asked",),
    ),
    Bug(
        "addresses-of-any-port",
        "shared/fetching/address.py",
        "        if port not in (settings.pull_ports or _PORTS.values()):",
        "        if False:",
        (f"{ADDRESSES}test_any_other_address_is_refused",),
    ),
    Bug(
        "certificates-of-anyone",
        FETCH,
        "return ssl.create_default_context()",
        "return ssl._create_unverified_context()",
        (f"{PULLS}test_a_certificate_of_another_host_is_not_trusted",),
    ),
    Bug(
        "half-a-file-is-a-file",
        FETCH,
        "    if length is None and",
        "    if False and",
        (f"{PULLS}test_what_cannot_be_loaded_is_fetched_once",),
    ),
    Bug(
        "redirects-without-end",
        FETCH,
        "range(MOST_REDIRECTS + 1)",
        "range(100)",
        (f"{PULLS}test_redirects_are_followed",),
    ),
    Bug(
        "networks-are-checked-only-when-an-address-is-named",
        "shared/fetching/connection.py",
        "checked_addresses(host, port, self._networks, self._resolve)",
        "[entry[4][0] for entry in self._resolve(host, port)]",
        (f"{PULLS}test_a_name_that_moves_gains_nothing",),
    ),
    Bug(
        "a-pull-of-another-process",
        CLAIMS,
        '        raise LostLease("another process has this pull now")',
        "        return",
        (f"{PULLS}test_two_processes_with_the_same_pull_make_one_upload",),
    ),
    Bug(
        "addresses-in-the-log",
        "shared/logs.py",
        'logging.getLogger("httpcore").setLevel(logging.WARNING)',
        "pass",
        (f"{PULLS}test_no_log_tells_an_address_or_what_its_server_said",),
    ),
    Bug(
        "tags-of-what-is-gone",
        CLAIMS,
        "\n        AND uploads.state IN ({sql_list(KEPT_STATES)})",
        "",
        (f"{PULLS}test_what_has_not_changed_is_not_sent_again",),
    ),
    Bug(
        "tags-of-another-address",
        CLAIMS,
        'WHERE id = %(source)s AND address = %(address)s\n"""\n\n\n',
        'WHERE id = %(source)s\n"""\n\n\n',
        (f"{PULLS}test_another_address_of_the_source_forgets_what_was_fetched",),
    ),
    Bug(
        "a-source-stays-due",
        "shared/ingest/pulling/schedule.py",
        "1 + floor(",
        "floor(",
        (f"{PULLS}test_a_source_that_is_due_is_pulled_once_whoever_looks",),
    ),
    Bug(
        "an-address-is-not-looked-at-when-it-is-named",
        "api/intake/address_upload.py",
        "    await asyncio.to_thread(asked.require_possible, runtime.settings)\n",
        "",
        (f"{ROUTES}test_what_is_not_fetched_is_refused_at_once",),
    ),
    Bug(
        "fetched-bytes-cost-nothing",
        "shared/ingest/pulling/pulling.py",
        "            file.settle()\n            intake.feed",
        "            intake.feed",
        (f"{QUOTA}test_what_is_sent_and_what_is_fetched_count_together",),
    ),
    Bug(
        "a-pull-begins-with-nothing-left",
        "shared/ingest/pulling/pulling.py",
        "        file.expect(1)\n",
        "",
        (f"{QUOTA}test_nothing_is_begun_when_nothing_is_left",),
    ),
    Bug(
        "fetched-bytes-are-counted-at-the-end",
        "shared/ingest/pulling/quota.py",
        "        if self._bytes >= STEP_BYTES:\n            self.settle()\n",
        "",
        (f"{PULLS}test_a_file_that_exceeds_the_quota_is_not_fetched_to_its_end",),
    ),
    Bug(
        "what-an-operator-decides-does-not-hold-for-pulls",
        "shared/ingest/pulling/quota.py",
        "        return int(decided.upload_bytes_per_day)",
        "        return self._settings.tenant_upload_bytes_per_day",
        (f"{QUOTA}test_an_operators_decision_is_the_quota",),
    ),
)
