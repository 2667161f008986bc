"""What people do with uploads: cancel, retry, undo, correct, send twice."""

from typing import Final

from tests.seeded_bugs import Bug

WORK: Final = "shared/ingest/work.py"
LOAD: Final = "shared/ingest/loading/loader.py"
CONTROL: Final = "shared/ingest/lifecycle/actions.py"
CORRECTED: Final = "shared/ingest/corrections/correction_loading.py"
ACTIONS: Final = "tests/integration/ingest/test_actions.py::"
PROMISES: Final = "tests/integration/ingest/test_promises.py::"
CORRECTION: Final = "tests/integration/ingest/test_corrections.py::"
CORRECTION_STATES: Final = "tests/integration/ingest/test_correction_states.py::"

BUGS: Final = (
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
    # -- correction
    Bug(
        "corrects-an-upload-that-was-undone",
        CORRECTED,
        "AND state = 'completed' FOR NO KEY UPDATE",
        "FOR NO KEY UPDATE",
        (f"{CORRECTION_STATES}test_a_parent_that_is_undone_while_a_mending_is_prepared",),
    ),
    Bug(
        "corrects-what-was-corrected",
        CORRECTED,
        "if is_wanted.all():",
        "if is_wanted.any() or True:",
        (f"{CORRECTION}test_mending_twice_loads_once",),
    ),
    Bug(
        "a-line-twice-in-a-correction",
        CORRECTED,
        "kept = is_line & is_first",
        "kept = is_line",
        (f"{CORRECTION}test_lines_that_are_none_unknown_or_repeated_are_rejects_of_the_mending",),
    ),
    Bug(
        "corrected-rows-are-not-counted",
        CORRECTED,
        "        _add_to_totals(connection, work, counted(corrected.movies))\n",
        "",
        (f"{CORRECTION}test_the_account_closes_and_rows_have_the_ids_of_their_lines",),
    ),
    Bug(
        "a-correction-is-undone-alone",
        CONTROL,
        "        _undo_corrections(connection, number)\n",
        "",
        (f"{CORRECTION_STATES}test_a_mending_cannot_be_undone_but_cancelled_and_retried",),
    ),
    # -- once, and within a budget
    Bug(
        "key-for-any-file",
        "shared/ingest/intake/idempotency.py",
        "json.dumps([sha256, options]",
        "json.dumps([options]",
        ("tests/system/api/test_once.py::test_a_key_is_for_one_request",),
    ),
    Bug(
        "one-file-for-all-tenants",
        "shared/ingest/intake/file_intake.py",
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
)
