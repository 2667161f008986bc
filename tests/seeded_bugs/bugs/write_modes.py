"""What uploads do to the rows before them, and undoing it."""

from typing import Final

from tests.seeded_bugs import Bug

MODES: Final = "tests/integration/ingest/test_write_modes.py::"
REPLACING: Final = "shared/ingest/versions/replacing.py"
UPSERTING: Final = "shared/ingest/versions/upserting.py"
LARGE: Final = "shared/ingest/publishing/large_upload.py"
EXPORTS: Final = "tests/integration/database/test_exports.py::"
UNDOING: Final = "shared/ingest/lifecycle/undoing.py"

BUGS: Final = (
    Bug(
        "equal-records-become-rows",
        "shared/ingest/versions/row_changes.py",
        '    return f"({staged}) IS DISTINCT FROM ({present})"',
        '    return "true"',
        (f"{MODES}test_the_next_days_file_replaces_the_one_before",),
    ),
    Bug(
        "rows-of-small-uploads-are-not-replaced",
        REPLACING,
        '    if connection.execute(f"SELECT EXISTS (SELECT FROM {shared_leaf(table.name, collection.number)})")[0][0]:',
        "    if False:",
        (f"{MODES}test_the_next_days_file_replaces_the_one_before",),
    ),
    Bug(
        "an-undo-brings-back-what-later-uploads-have-set",
        REPLACING,
        "    upserting.supersede_what_later_upserts_set(connection, table, collection, own_version, version)\n",
        "",
        (f"{MODES}test_what_later_uploads_have_set_stays",),
    ),
    Bug(
        "an-undone-upsert-forgets-the-next-one",
        UPSERTING,
        "        connection.execute(_HAND_ON.format(**names, later=later))",
        "        pass",
        (f"{MODES}test_a_row_is_back_when_the_last_that_superseded_it_is_undone",),
    ),
    Bug(
        "rows-go-to-the-replacing-upload-and-not-to-the-next-upsert",
        UPSERTING,
        "    _hand_on(connection, table, collection, number, successor, own_version)\n",
        "",
        (f"{MODES}test_an_upsert_between_an_undone_one_and_a_replacing_one_keeps_its_rows",),
    ),
    Bug(
        "rows-in-replaced-leaves-forget-the-upserts-in-between",
        REPLACING,
        "        upserting.supersede_what_upserts_in_between_set(",
        "        (lambda *_: None)(",
        (f"{MODES}test_an_upsert_between_two_replacing_uploads_keeps_its_rows",),
    ),
    Bug(
        "rows-are-taken-from-totals-that-do-not-have-them-yet",
        REPLACING,
        "    totals.recount_collection(connection, collection)\n"
        "    upserting.supersede_what_later_upserts_set(connection, table, collection, own_version, version)\n",
        "    upserting.supersede_what_later_upserts_set(connection, table, collection, own_version, version)\n"
        "    totals.recount_collection(connection, collection)\n",
        (f"{MODES}test_sums_of_leaves_that_an_undo_brings_back",),
    ),
    Bug(
        "an-undo-that-meets-a-completion-is-no-version",
        UNDOING,
        " or _look(connection, upload_id, tenant, UploadState.UNDONE) != looked",
        "",
        (f"{MODES}test_an_upload_that_completes_while_it_is_undone",),
    ),
    Bug(
        "a-correction-repeats-a-superseded-key",
        "shared/ingest/publishing/duplicates.py",
        "for source in (destination.copy_to, history_name(table.name))",
        "for source in (destination.copy_to,)",
        (f"{MODES}test_a_corrected_record_does_not_repeat_a_key_that_is_superseded",),
    ),
    Bug(
        "an-export-takes-its-snapshot-before-its-locks",
        "shared/database/exports/text.py",
        "            await connection.execute(locking(listing))\n",
        "",
        (f"{EXPORTS}test_an_export_that_waited_for_a_lock_sees_what_was_committed_meanwhile",),
    ),
    Bug(
        "superseded-rows-of-an-undone-upload-stay",
        UNDOING,
        "    _delete_rows(plain, table, collection, history_name(table.name), first_id, touches)\n",
        "",
        (f"{MODES}test_a_row_is_back_when_the_last_that_superseded_it_is_undone",),
    ),
    Bug(
        "a-stale-comparison-is-published",
        LARGE,
        "        elif version != before + 1:",
        "        elif False:",
        (f"{MODES}test_what_changes_after_the_comparison_is_compared_again",),
    ),
    Bug(
        "merged-over-a-replaced-upload",
        "shared/ingest/versions/leaves.py",
        " OR {_MAY_RETURN})",
        ")",
        (f"{MODES}test_a_merge_leaves_room_for_what_an_undo_brings_back",),
    ),
    Bug(
        "a-merge-does-not-notice-superseded-rows",
        "shared/ingest/versions/totals.py",
        "UPDATE uploads SET current_records = current_records + records, rows_version = %(version)s\n",
        "UPDATE uploads SET current_records = current_records + records\n",
        (f"{MODES}test_a_merge_notices_what_is_superseded_meanwhile",),
    ),
    Bug(
        "a-corrected-record-is-newer-than-its-upload",
        UPSERTING,
        "    supersede_what_later_upserts_set(connection, table, collection, own_version, version)\n\n\ndef",
        "\n\ndef",
        (f"{MODES}test_a_corrected_record_is_as_old_as_its_upload",),
    ),
    Bug(
        "an-empty-merged-leaf-is-in-the-way",
        UNDOING,
        '            plain.execute(f"DROP TABLE {merged_leaf(table.name, merge)}")\n',
        "            pass\n",
        (f"{MODES}test_uploads_that_were_replaced_and_undone_leave_nothing",),
    ),
    Bug(
        "what-was-replaced-is-corrected",
        "shared/ingest/corrections/correction_loading.py",
        "    if successor is not None:\n",
        "    if False:\n",
        (f"{MODES}test_what_was_replaced_cannot_be_corrected",),
    ),
    Bug(
        "the-same-file-is-never-sent-again",
        "shared/ingest/intake/registration.py",
        "        same = [found for found in alike if mode is WriteMode.APPEND or found.is_latest]\n",
        "        same = alike\n",
        (f"{MODES}test_a_file_is_sent_again_once_another_has_changed_something",),
    ),
)
