"""Backups, the doctor, and what operators decide."""

from typing import Final

from tests.seeded_bugs import Bug

BACKUPS: Final = "tests/integration/operation/test_backup.py::"
DECISIONS: Final = "tests/integration/operation/test_tenant_settings.py::"
RECORDS: Final = "tests/integration/ingest/test_record_retention.py::"
FORGETTING: Final = "shared/ingest/lifecycle/record_retention.py"
ADMIN: Final = "tests/system/api/test_admin.py::"
RESTORING: Final = "cli/backup/restoring.py"

BUGS: Final = (
    Bug(
        "a-changed-backup-is-restored",
        RESTORING,
        "    manifests.verify(source, manifest)\n",
        "",
        (f"{BACKUPS}test_a_backup_with_a_changed_file_touches_nothing",),
    ),
    Bug(
        "data-is-dropped-unasked",
        RESTORING,
        "if filled and not replace:",
        "if False:",
        (f"{BACKUPS}test_a_database_with_data_is_replaced_only_if_that_is_asked_for",),
    ),
    Bug(
        "an-owner-without-policies",
        RESTORING,
        "            cursor.execute(_OWNER_POLICIES)\n",
        "",
        (f"{BACKUPS}test_another_owner_of_a_new_server_sees_all_and_requests_see_their_tenant",),
    ),
    Bug(
        "a-lost-file-was-removed",
        "cli/backup/stored_files.py",
        "if file.key in needed else",
        "if file.key not in needed else",
        (f"{BACKUPS}test_a_file_that_retention_removed_is_absent_and_one_that_vanished_is_lost",),
    ),
    Bug(
        "a-backup-without-its-shots",
        "cli/backup/stored_files.py",
        "UNION ALL SELECT DISTINCT storage_key, size_bytes, 'shots', true FROM shots\n",
        "",
        ("tests/system/operation/test_backup.py::test_after_everything_is_lost_everything_is_there_again",),
    ),
    Bug(
        "a-manifest-leads-anywhere",
        "cli/backup/manifest.py",
        "if _PATH.fullmatch(file.path) is None:",
        "if not file.path:",
        ("tests/unit/operation/test_manifest.py::test_a_path_that_leads_elsewhere_is_refused",),
    ),
    Bug(
        "policies-that-do-not-bind-the-owner",
        "cli/doctor/database.py",
        "AND NOT (relrowsecurity AND relforcerowsecurity)",
        "AND NOT relrowsecurity",
        ("tests/integration/operation/test_doctor.py::test_a_mistake_is_a_problem_with_advice",),
    ),
    Bug(
        "limits-of-one-tenant-are-everyones",
        "api/limits/tenant_limits.py",
        "self._kept.get(tenant)",
        "next(iter(self._kept.values()), None)",
        (f"{DECISIONS}test_limits_are_those_of_the_tenant_and_change_within_seconds",),
    ),
    Bug(
        "a-paused-tenant-is-loaded",
        "shared/ingest/loading/scheduling.py",
        "paused.tenant = upload.tenant AND is_paused",
        "paused.tenant = upload.tenant AND NOT is_paused",
        (f"{DECISIONS}test_nothing_of_a_paused_tenant_is_loaded_and_others_are",),
    ),
    Bug(
        "retention-brings-older-rows-back",
        "shared/ingest/lifecycle/row_retention.py",
        "AND mode = '{WriteMode.APPEND}' AND kind",
        "AND kind",
        (f"{DECISIONS}test_what_replaces_or_updates_stays_because_older_rows_would_come_back",),
    ),
    Bug(
        "an-admin-of-a-tenant-is-an-operator",
        "api/middleware/authentication.py",
        "needed, sufficient = OPERATOR, {OPERATOR}",
        'needed, sufficient = OPERATOR, {OPERATOR, "admin"}',
        (f"{ADMIN}test_no_key_of_a_tenant_gets_to_what_operators_do",),
    ),
    Bug(
        "an-operators-key-opens-everything",
        "api/middleware/authentication.py",
        'sufficient = {needed, "admin"}',
        'sufficient = {needed, "admin", OPERATOR}',
        (f"{ADMIN}test_an_operators_key_opens_nothing_else",),
    ),
    Bug(
        "an-operator-cancels-whatever-its-state",
        "shared/ingest/operating/queue.py",
        "    actions.cancel(engine, upload_id, tenant)\n",
        "    try:\n        actions.cancel(engine, upload_id, tenant)\n    except StateConflict:\n        return\n",
        (f"{ADMIN}test_an_operator_sees_and_ends_what_waits",),
    ),
    Bug(
        "a-reset-limit-stays",
        "shared/ingest/operating/tenant_settings.py",
        'changed = {**changes, "changed_at"',
        'changed = {**{name: new for name, new in changes.items() if new is not None}, "changed_at"',
        (f"{ADMIN}test_what_is_decided_changes_alone_and_is_reset_by_null",),
    ),
    Bug(
        "operators-log-whom-it-is-about",
        "api/routes/admin.py",
        "changed=sorted(changes))",
        "changed=sorted(changes), tenant=tenant)",
        (f"{ADMIN}test_each_change_is_logged_with_the_operators_key",),
    ),
    Bug(
        "a-backup-gives-up-while-a-leaf-is-attached",
        "cli/backup/making.py",
        '("does not exist", "could not obtain lock")',
        '("does not exist",)',
        (f"{BACKUPS}test_several_jobs_give_way_to_somebody_who_waits_for_a_table",),
    ),
    Bug(
        "a-version-that-somebody-may-ask-about-is-forgotten",
        FORGETTING,
        "made.version >= collections.pruned_version",
        "false",
        (f"{RECORDS}test_an_undone_upload_is_forgotten_when_no_version_needs_it",),
    ),
    Bug(
        "the-last-version-that-is-pruned-is-forgotten",
        FORGETTING,
        "made.version >= collections.pruned_version",
        "made.version > collections.pruned_version",
        (f"{RECORDS}test_an_undone_upload_is_forgotten_when_no_version_needs_it",),
    ),
    Bug(
        "uploads-are-forgotten-by-when-they-were-completed",
        FORGETTING,
        "upload_number = upload.number AND at >= clock_timestamp()",
        "upload_number = upload.number AND at < '-infinity' AND at >= clock_timestamp()",
        (f"{RECORDS}test_what_happened_last_decides",),
    ),
    Bug(
        "uploads-of-a-source-are-forgotten",
        FORGETTING,
        "      AND NOT EXISTS (SELECT FROM sources WHERE sources.upload_id = upload.id)\n",
        "",
        (f"{RECORDS}test_a_record_that_is_named_stays",),
    ),
)
