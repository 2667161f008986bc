"""Plans, and how long superseded rows are kept."""

from typing import Final

from tests.seeded_bugs import Bug

PLANS: Final = "tests/integration/ingest/test_plans.py::"
PRUNING: Final = "tests/integration/ingest/test_pruning.py::"
SECURITY: Final = "tests/integration/database/test_row_security.py::"
DECIDING: Final = "shared/ingest/lifecycle/plans.py"
PLANNING: Final = "shared/ingest/publishing/planning.py"
LARGE: Final = "shared/ingest/publishing/large_upload.py"

BUGS: Final = (
    Bug(
        "a-plan-is-published-at-once",
        LARGE,
        "    if work.is_plan:\n",
        "    if False:\n",
        (f"{PLANS}test_readers_see_nothing_of_a_plan_until_it_is_applied",),
    ),
    Bug(
        "a-stale-plan-is-published",
        PLANNING,
        "    if work.mode is not WriteMode.APPEND and version != work.compared_version + 1:",
        "    if False:",
        (f"{PLANS}test_a_plan_that_is_stale_when_it_is_published_waits_again",),
    ),
    Bug(
        "a-stale-plan-is-applied",
        DECIDING,
        "            is_fresh = row.mode == WriteMode.APPEND or row.version == row.compared_version\n",
        "",
        (f"{PLANS}test_a_plan_that_is_stale_when_it_is_applied_is_counted_anew",),
    ),
    Bug(
        "another-plan-than-the-client-has-seen-is-applied",
        DECIDING,
        "            if if_match is not None and not _names(if_match, plan_tag(row.planned_at)):",
        "            if False:",
        (f"{PLANS}test_only_a_plan_that_the_client_has_seen_is_applied",),
    ),
    Bug(
        "an-applied-plan-expires",
        DECIDING,
        '        if connection.scalar(_HOLD_EXPIRED, {"number": number, "seconds": hours * 3600}) is None:',
        "        if False:",
        (f"{PLANS}test_a_plan_that_is_applied_at_the_last_moment_is_published",),
    ),
    Bug(
        "merged-over-a-plan",
        "shared/ingest/versions/leaves.py",
        "WHERE (state IN ({sql_list(UNPUBLISHED_STATES)})",
        "WHERE (state IN ({sql_list(ACTIVE_STATES)})",
        (f"{PLANS}test_a_merge_leaves_room_for_what_waits",),
    ),
    Bug(
        "the-changes-of-all-uploads",
        "shared/database/queries/changes.py",
        "    behind = RowChange.upload_number == number, RowChange.position > after\n",
        "    behind = (RowChange.position > after,)\n",
        (f"{PLANS}test_the_changes_of_an_upload_are_its_own",),
    ),
    Bug(
        "every-tenant-sees-the-rows-of-a-plan",
        PLANNING,
        "in open_to_requests(staged):",
        "in open_to_requests(staged)[-1:]:",
        (f"{SECURITY}test_what_waits_for_a_decision_is_seen_by_its_tenant_until_it_is_made",),
    ),
    Bug(
        "the-leaf-of-a-plan-stays-open",
        LARGE,
        "in close_to_requests(work.destination.leaf):",
        "in close_to_requests(work.destination.leaf)[:0]:",
        (f"{SECURITY}test_what_waits_for_a_decision_is_seen_by_its_tenant_until_it_is_made",),
    ),
    # -- retention of superseded rows
    Bug(
        "what-may-be-undone-is-pruned",
        "shared/ingest/lifecycle/pruning.py",
        "WHERE collection = %(collection)s AND version <= %(version)s AND mode",
        "WHERE collection = %(collection)s AND mode",
        (f"{PRUNING}test_what_was_superseded_long_ago_is_gone_and_what_is_seen_is_not",),
    ),
    Bug(
        "what-is-pruned-is-undone",
        "shared/ingest/lifecycle/undoing.py",
        "    if mode != WriteMode.APPEND and own_version <= upload.pruned_version:",
        "    if False:",
        (f"{PRUNING}test_what_has_replaced_or_updated_cannot_be_undone_any_more",),
    ),
    Bug(
        "no-merge-over-what-is-pruned",
        "shared/ingest/versions/leaves.py",
        "superseded_by IS NOT NULL AND pruned_version < (",
        "superseded_by IS NOT NULL AND 0 < (",
        (f"{PRUNING}test_merges_go_over_the_ids_of_what_is_gone",),
    ),
)
