"""Which loader has a batch, what is committed with it, what is published, and which notifications are sent."""

from typing import Final

from tests.seeded_bugs import Bug

LEASES: Final = "shared/database/leases.py"
STATES: Final = "shared/database/state_machine.py"
LOADER: Final = "shared/ingest/loading/loader.py"
COMMITS: Final = "shared/ingest/loading/commits.py"
COMPLETION: Final = "shared/ingest/publishing/completion.py"
DUPLICATES: Final = "shared/ingest/publishing/duplicates.py"
TOTALS: Final = "shared/ingest/versions/totals.py"
REGISTRY: Final = "shared/catalog/registry.py"
SWEEP: Final = "shared/ingest/lifecycle/sweep.py"
LOADING: Final = "tests/integration/ingest/test_loader.py::"
ACTIONS: Final = "tests/integration/ingest/test_actions.py::"
PROMISES: Final = "tests/integration/ingest/test_promises.py::"
CORRUPT: Final = f"{PROMISES}test_bytes_that_changed_on_the_disk_are_not_published"
REPEATED: Final = "tests/integration/ingest/test_duplicates.py::"
NOTIFIERS: Final = "tests/system/api/test_notifiers.py::"

# The condition of `state_machine.IS_OURS`, for a loader that had the batch at any time before.
WAS_EVER_OURS: Final = "upload_number = %(upload)s AND number = %(batch)s AND epoch >= %(epoch)s AND state = 'pending'"

BUGS: Final = (
    # -- which loader has a batch, and until when
    Bug(
        "claim-ignores-lease",
        LEASES,
        "AND attempts < %(max_attempts)s\n      AND {IS_FREE}\n      AND EXISTS",
        "AND attempts < %(max_attempts)s\n      AND EXISTS",
        (f"{PROMISES}test_leases_are_by_the_servers_clock",),
    ),
    Bug(
        "lease-by-the-clients-clock",
        LEASES,
        "lease_until = {LEASE},\n    session_pid",
        "lease_until = to_timestamp(%(lease_seconds)s),\n    session_pid",
        (f"{PROMISES}test_leases_are_by_the_servers_clock",),
        also=(
            ("from typing import", "import time\nfrom typing import"),
            ("loader=loader, lease_seconds=lease_seconds", "loader=loader, lease_seconds=time.time() + lease_seconds"),
        ),
    ),
    Bug(
        "claims-wait-for-each-other",
        LEASES,
        "FOR UPDATE SKIP LOCKED",
        "FOR UPDATE",
        (f"{PROMISES}test_claims_do_not_wait_for_each_other",),
    ),
    Bug(
        "claim-from-an-upload-that-ended",
        LEASES,
        "AND EXISTS (SELECT FROM uploads WHERE number = %(upload)s AND {guard_of(COMPLETE)})",
        "",
        (f"{PROMISES}test_a_cancelled_uploads_batches_are_nobodys",),
    ),
    Bug(
        "give-back-without-epoch",
        LEASES,
        "attempts = attempts - %(refunded)s WHERE {IS_OURS}",
        f"attempts = attempts - %(refunded)s WHERE {WAS_EVER_OURS}",
        (f"{PROMISES}test_a_loader_that_lost_its_batch_cannot_give_it_back",),
    ),
    # -- one transaction, and the fence at its end
    Bug(
        "commit-without-epoch",
        STATES,
        "WHERE {IS_OURS}\nRETURNING number",
        f"WHERE {WAS_EVER_OURS}\nRETURNING number",
        (f"{LOADING}test_a_loader_whose_lease_was_taken_cannot_commit",),
    ),
    Bug(
        "rows-committed-before-the-fence",
        COMMITS,
        "    connection.copy(REJECTS_PARTITION, validated.rejects)\n",
        "    with connection.transaction():\n        connection.copy(REJECTS_PARTITION, validated.rejects)\n",
        (f"{LOADING}test_a_loader_whose_lease_was_taken_cannot_commit",),
    ),
    Bug(
        "ledger-in-a-transaction-of-its-own",
        COMMITS,
        "    finish_batch(connection,",
        "    with connection.transaction():\n        finish_batch(connection,",
        (f"{PROMISES}test_rows_rejects_and_ledger_are_one_transaction",),
    ),
    # -- what is published is proven
    Bug(
        "publish-without-epoch",
        STATES,
        "epoch = coalesce(%(epoch)s, epoch)",
        "epoch >= coalesce(%(epoch)s, epoch)",
        (f"{PROMISES}test_a_publisher_whose_claim_was_taken_publishes_nothing",),
    ),
    Bug(
        "publish-while-batches-are-pending",
        LEASES,
        "AND NOT EXISTS (SELECT FROM batches WHERE upload_number = %(number)s AND state = '{BatchState.PENDING}')",
        "",
        (f"{LOADING}test_nobody_publishes_while_a_batch_is_pending",),
    ),
    Bug(
        "publish-with-a-gap",
        COMPLETION,
        "if not is_tiled or (byte_start",
        "if (byte_start",
        (f"{LOADING}test_what_cannot_be_proven_is_failed",),
    ),
    Bug(
        "publish-without-counting-movies",
        COMPLETION,
        "(loaded + rejected + duplicate, stored_rows, stored_rejects)",
        "(loaded + rejected + duplicate, loaded, stored_rejects)",
        (f"{LOADING}test_what_cannot_be_proven_is_failed",),
    ),
    Bug(
        "publish-without-counting-rejects",
        COMPLETION,
        "(loaded + rejected + duplicate, stored_rows, stored_rejects)",
        "(loaded + rejected + duplicate, stored_rows, rejected)",
        (f"{LOADING}test_what_cannot_be_proven_is_failed",),
    ),
    Bug(
        "totals-are-overwritten",
        TOTALS,
        '    DO UPDATE SET row_count = total.row_count + excluded.row_count\n"""\n_ADD_UPLOAD',
        '    DO UPDATE SET row_count = excluded.row_count\n"""\n_ADD_UPLOAD',
        (f"{ACTIONS}test_undo_takes_everything_back",),
    ),
    # -- a key stands for one record
    Bug(
        "repeated-keys-of-small-uploads-are-loaded",
        DUPLICATES,
        "    if not table.key or keys",
        "    if True or keys",
        (f"{REPEATED}test_the_first_record_of_a_key_is_loaded[small-18]",),
    ),
    Bug(
        "repeated-keys-of-large-uploads-are-loaded",
        "shared/ingest/publishing/large_upload.py",
        "*create_key_index(table, leaf, is_unique=True),",
        "*create_key_index(table, leaf),",
        (f"{REPEATED}test_the_first_record_of_a_key_is_loaded[large-18]",),
    ),
    Bug(
        "the-last-record-of-a-key-is-kept",
        DUPLICATES,
        "SELECT id, min(id) OVER",
        "SELECT id, max(id) OVER",
        (f"{REPEATED}test_the_first_record_of_a_key_is_loaded[large-18]",),
    ),
    Bug(
        "totals-count-what-was-removed",
        DUPLICATES,
        "        totals.forget(connection, work.number)  # they may have counted the rows that are gone\n",
        "",
        (f"{REPEATED}test_the_first_record_of_a_key_is_loaded[large-18]",),
    ),
    Bug(
        "a-missing-key-is-a-key",
        DUPLICATES,
        "        has_key &= column.is_valid().to_numpy()",
        "        pass",
        (f"{REPEATED}test_records_without_a_key_repeat_nothing",),
    ),
    Bug(
        "corrections-repeat-keys",
        "shared/ingest/corrections/correction_loading.py",
        "    corrected = _without_repeated_keys(connection, work, corrected)\n",
        "",
        (f"{REPEATED}test_a_corrected_record_repeats_no_key_of_its_upload",),
    ),
    # -- what is read is what was stored
    Bug(
        "checksums-of-large-uploads-are-not-compared",
        LOADER,
        "if batch.checksum is not None and checksum_of(data) != batch.checksum:",
        "if batch.checksum is not None and not work.is_large and checksum_of(data) != batch.checksum:",
        (f"{CORRUPT}[large-18]",),
    ),
    Bug(
        "checksums-of-small-uploads-are-not-compared",
        LOADER,
        "if batch.checksum is not None and checksum_of(data) != batch.checksum:",
        "if batch.checksum is not None and work.is_large and checksum_of(data) != batch.checksum:",
        (f"{CORRUPT}[small-18]",),
    ),
    Bug(
        "batches-without-a-checksum-are-refused",
        LOADER,
        "if batch.checksum is not None and checksum_of(data) != batch.checksum:",
        "if checksum_of(data) != batch.checksum:",
        (f"{LOADING}test_batches_of_earlier_versions_have_no_checksum_and_are_loaded",),
    ),
    Bug(
        "a-checksum-without-the-last-byte",
        "shared/csv/split.py",
        "memoryview(self._pending) as pending, pending[:end] as content",
        "memoryview(self._pending) as pending, pending[: end - 1] as content",
        ("tests/unit/csv/test_split.py::test_a_small_file_is_one_span",),
    ),
    Bug(
        "the-rest-of-a-long-line-is-a-record",
        LOADER,
        "if batch.begins_in_line:",
        "if False:",
        (f"{LOADING}test_a_line_too_long_for_a_batch_is_one_reject",),
    ),
    Bug(
        "a-dataset-that-is-gone-crashes-its-loaders",
        REGISTRY,
        "        if name not in self._datasets:\n            raise DatasetGone",
        "        if name in ():\n            raise DatasetGone",
        (f"{LOADING}test_an_upload_whose_dataset_is_gone_is_failed",),
    ),
    # -- the sweep
    Bug(
        "sweep-notifies-before-its-commit",
        SWEEP,
        "dead = connection.execute(_DEAD_TABLES)",
        "[notify(*each) for each in waiting]\n        dead = connection.execute(_DEAD_TABLES)",
        (f"{PROMISES}test_the_sweep_notifies_when_what_it_did_is_committed",),
    ),
    Bug(
        "sweep-trusts-a-lease-that-ended",
        SWEEP,
        "AND state = '{BatchState.PENDING}' AND lease_until >= clock_timestamp()",
        "AND state = '{BatchState.PENDING}' AND lease_until IS NOT NULL",
        (f"{ACTIONS}test_the_sweep_leaves_a_working_loader_alone",),
    ),
    Bug(
        "poisoned-batch-never-fails",
        LEASES,
        "WHERE state = '{BatchState.PENDING}' AND attempts >= %(max_attempts)s",
        "WHERE state = '{BatchState.PENDING}' AND attempts > %(max_attempts)s",
        (f"{ACTIONS}test_a_batch_that_kills_its_loaders_ends_the_upload",),
    ),
    Bug(
        "sweep-fails-a-batch-that-a-loader-works-on",
        LEASES,
        "AND attempts >= %(max_attempts)s AND {IS_FREE}\n    UNION ALL",
        "AND attempts >= %(max_attempts)s\n    UNION ALL",
        (f"{PROMISES}test_the_sweep_waits_for_the_last_attempt_of_a_batch",),
    ),
    Bug(
        "an-upload-that-has-ended-is-failed",
        STATES,
        "WHERE number = %(number)s AND {guard_of(FAIL)}\nRETURNING number",
        "WHERE number = %(number)s\nRETURNING number",
        (f"{PROMISES}test_an_upload_that_was_cancelled_is_not_failed",),
    ),
    Bug(
        "poisoned-publication-never-fails",
        LEASES,
        "publish_attempts >= %(max_attempts)s",
        "publish_attempts > %(max_attempts)s",
        (f"{PROMISES}test_a_publication_that_crashes_ends_the_upload_and_a_retry_forgets_it",),
    ),
    Bug(
        "old-files-are-removed-though-they-wait",
        "shared/ingest/lifecycle/retention.py",
        "key not in known and age_seconds",
        "age_seconds",
        (f"{PROMISES}test_retention_removes_only_files_without_a_use",),
    ),
    # -- notifications
    Bug(
        "notification-before-the-commit",
        "api/intake/upload_intake.py",
        "is_committing = True",
        "upload.runtime.notifiers.notify(registered.upload_id, upload.transport)\n            is_committing = True",
        (f"{NOTIFIERS}test_a_loader_is_notified_once_and_after_the_commit",),
    ),
    Bug(
        "late-acknowledgement",
        "worker/app.py",
        "task_acks_late=False",
        "task_acks_late=True",
        (f"{NOTIFIERS}test_a_worker_acknowledges_before_the_work_and_keeps_no_results",),
    ),
    Bug(
        "results-are-kept",
        "worker/app.py",
        "result_backend=None",
        "result_backend=settings.redis_url",
        (f"{NOTIFIERS}test_a_worker_acknowledges_before_the_work_and_keeps_no_results",),
    ),
)
