"""What a person does with uploads: cancel, retry, undo, correct, send twice."""

from typing import Final

from tests.seeded_bugs import Bug

STATES: Final = "shared/database/state_machine.py"
COMMITS: Final = "shared/ingest/loading/commits.py"
LIFECYCLE: Final = "shared/ingest/lifecycle/actions.py"
UNDOING: Final = "shared/ingest/lifecycle/undoing.py"
CORRECTED: Final = "shared/ingest/corrections/correction_loading.py"
ACTIONS: Final = "tests/integration/ingest/test_actions.py::"
PROMISES: Final = "tests/integration/ingest/test_promises.py::"
CORRECTION: Final = "tests/integration/ingest/test_corrections.py::"
CORRECTION_STATES: Final = "tests/integration/ingest/test_correction_states.py::"

BUGS: Final = (
    # -- cancel, fail, undo, retry
    Bug(
        "cancel-without-revoking",
        STATES,
        "    number = _act(connection, CANCEL, upload_id, tenant)\n"
        "    if number is not None:\n        connection.execute(_RESET_BATCHES, number=number)\n",
        "    number = _act(connection, CANCEL, upload_id, tenant)\n",
        (f"{PROMISES}test_a_cancelled_uploads_batches_are_nobodys",),
    ),
    Bug(
        "cancel-leaves-rejects",
        LIFECYCLE,
        "    connection.execute(delete(Reject).where(Reject.upload_number == number))\n    forget_duplicates",
        "    forget_duplicates",
        (f"{ACTIONS}test_cancel_leaves_nothing_and_retry_loads_all",),
    ),
    Bug(
        "fail-without-revoking",
        STATES,
        "        connection.execute(_REVOKE_BATCHES, number=number)",
        "        pass",
        (f"{PROMISES}test_a_failed_uploads_batches_are_nobodys",),
    ),
    Bug(
        "undo-keeps-the-totals",
        UNDOING,
        "totals.subtract_upload_from_collection(plain, number, collection.number)",
        "totals.forget(plain, number)",
        (f"{ACTIONS}test_undo_takes_everything_back",),
    ),
    Bug(
        "any-tenant-may-undo",
        STATES,
        "WHERE id = %(id)s AND tenant = %(tenant)s AND {guard}",
        "WHERE id = %(id)s AND {guard}",
        (f"{ACTIONS}test_what_the_state_forbids",),
    ),
    Bug(
        "retry-keeps-the-attempts-of-a-batch",
        STATES,
        "epoch = epoch + 1, attempts = 0, lease_until = NULL",
        "epoch = epoch + 1, lease_until = NULL",
        (f"{PROMISES}test_a_retry_forgets_the_attempts_of_a_batch",),
    ),
    Bug(
        "retry-keeps-the-attempts-to-publish",
        STATES,
        "publish_attempts = 0, error_code",
        "error_code",
        (f"{PROMISES}test_a_publication_that_crashes_ends_the_upload_and_a_retry_forgets_it",),
    ),
    # -- correction
    Bug(
        "corrects-an-upload-that-was-undone",
        STATES,
        "_HOLD.format(guard=guard_of(UNDO))",
        '_HOLD.format(guard="true")',
        (f"{CORRECTION_STATES}test_a_parent_that_is_undone_while_a_correction_is_prepared",),
    ),
    Bug(
        "corrects-what-was-corrected",
        CORRECTED,
        "if is_wanted.all():",
        "if is_wanted.any() or True:",
        (f"{CORRECTION}test_the_same_correction_twice_loads_once",),
    ),
    Bug(
        "a-line-twice-in-a-correction",
        CORRECTED,
        "kept = is_line & is_first",
        "kept = is_line",
        (f"{CORRECTION}test_lines_that_are_none_unknown_or_repeated_are_rejects_of_the_correction",),
    ),
    Bug(
        "corrected-rows-are-not-counted",
        CORRECTED,
        "        totals.add_to_collection(connection, work.destination.collection, counts)\n",
        "",
        (f"{CORRECTION}test_record_counts_are_reconciled_and_rows_have_the_ids_of_their_lines",),
    ),
    Bug(
        "undo-forgets-corrected-rows",
        CORRECTED,
        "        totals.add_to_upload(connection, work.target_number, counts)\n",
        "",
        (f"{CORRECTION_STATES}test_undo_of_the_parent_takes_corrected_rows_along",),
    ),
    Bug(
        "a-correction-is-undone-alone",
        UNDOING,
        "        _undo_corrections(connection, number)\n",
        "",
        (f"{CORRECTION_STATES}test_a_correction_cannot_be_undone_but_cancelled_and_retried",),
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
        "shared/ingest/intake/registration.py",
        "mine = Upload.tenant == options.tenant, ",
        "mine = ",
        (f"{PROMISES}test_the_same_file_is_loaded_once_for_each_tenant",),
    ),
    Bug(
        "budget-only-at-the-end",
        COMMITS,
        "                enforce_budget(connection, work)",
        "                pass",
        (f"{PROMISES}test_the_rest_of_a_file_over_its_budget_is_not_loaded",),
    ),
    Bug(
        "rejects-of-a-file-over-its-budget-are-lost",
        COMMITS,
        "                    list_duplicates(connection, work.number, duplicates)\n"
        "                _copy_rejects(connection, validated)\n",
        "                    list_duplicates(connection, work.number, duplicates)\n"
        "                    _copy_rejects(connection, validated)\n",
        (f"{PROMISES}test_a_budget_is_exact",),
    ),
)
