"""Who has a batch, what is committed with it, what is published, and who rings again."""

from typing import Final

from tests.seeded_bugs import Bug

WORK: Final = "shared/ingest/work.py"
LOAD: Final = "shared/ingest/loading/loader.py"
PUBLISH: Final = "shared/ingest/publishing/large_upload.py"
SWEEP: Final = "shared/ingest/lifecycle/sweep.py"
LOADING: Final = "tests/integration/ingest/test_loader.py::"
ACTIONS: Final = "tests/integration/ingest/test_actions.py::"
PROMISES: Final = "tests/integration/ingest/test_promises.py::"
NOTIFIERS: Final = "tests/system/api/test_notifiers.py::"

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
        "shared/ingest/lifecycle/retention.py",
        "key not in known and age_seconds",
        "age_seconds",
        (f"{PROMISES}test_housekeeping_removes_only_files_that_nobody_needs",),
    ),
    # -- notifications
    Bug(
        "ring-before-commit",
        "api/intake/upload_intake.py",
        "is_committing = True",
        "upload.runtime.bells.ring(registered.upload_id, upload.use_celery)\n            is_committing = True",
        (f"{NOTIFIERS}test_the_bell_rings_once_and_after_the_commit",),
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
