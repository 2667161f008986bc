"""Merging leaves of large uploads."""

from typing import Final

from tests.seeded_bugs import Bug

CLAIMS: Final = "shared/ingest/merging/claims.py"
COPYING: Final = "shared/ingest/merging/copying.py"
MERGER: Final = "shared/ingest/merging/merger.py"
SWAPPING: Final = "shared/ingest/merging/swapping.py"
MERGING: Final = "tests/integration/ingest/test_merging.py::"
POLICY: Final = "tests/unit/ingest/test_merge_policy.py::"

BUGS: Final = (
    # -- what is merged
    Bug(
        "a-large-leaf-is-copied-for-small-ones",
        "shared/ingest/merging/policy.py",
        " and 2 * run.largest <= run.rows",
        "",
        (f"{POLICY}test_a_large_leaf_is_not_copied_for_small_ones",),
    ),
    Bug(
        "merged-over-an-upload-that-waits",
        CLAIMS,
        "policy.choose(leaves, reserved_ids(connection, collection.number))",
        "policy.choose(leaves)",
        (f"{MERGING}test_a_late_upload_has_room",),
    ),
    Bug(
        "merged-while-a-range-is-not-committed",
        CLAIMS,
        "    connection.execute(STOP_RANGES, tenant=collection.tenant)\n",
        "",
        (f"{MERGING}test_a_range_that_is_not_committed_has_room",),
    ),
    Bug(
        "a-registration-takes-its-range-unseen",
        "shared/ingest/intake/registration.py",
        "    PlainSql(connection).execute(TAKE_RANGE, tenant=options.tenant)\n",
        "",
        (f"{MERGING}test_who_takes_a_range_holds_the_lock",),
    ),
    Bug(
        "a-retry-takes-its-range-unseen",
        "shared/database/state_machine.py",
        "    connection.execute(TAKE_RANGE, tenant=tenant)\n",
        "",
        (f"{MERGING}test_who_takes_a_range_holds_the_lock",),
    ),
    Bug(
        "the-planner-does-not-know-the-tenant",
        "shared/database/partitions.py",
        "('tenant', 'collection', 'id', *table.indexed_fields)",
        "('id', *table.indexed_fields)",
        (f"{MERGING}test_the_planner_knows_that_every_row_is_one_tenants",),
    ),
    Bug(
        "a-refused-merge-is-tried-for-ever",
        MERGER,
        "            if is_transient(state):\n                raise\n",
        "            raise\n",
        (f"{MERGING}test_a_merge_that_the_database_refuses_is_given_up",),
    ),
    # -- who merges
    Bug(
        "merge-without-epoch",
        CLAIMS,
        '"number = %(number)s AND epoch = %(epoch)s AND NOT is_merged"',
        '"number = %(number)s AND NOT is_merged"',
        (f"{MERGING}test_who_has_lost_the_claim_can_commit_nothing",),
    ),
    Bug(
        "what-is-under-way-is-asked-after-the-choice",
        CLAIMS,
        """    if connection.execute(_IS_ANY_UNDER_WAY)[0][0]:
        return None
    run = _choose(connection, policy, collection)
    if not run:""",
        """    run = _choose(connection, policy, collection)
    if not run or connection.execute(_IS_ANY_UNDER_WAY)[0][0]:""",
        (f"{MERGING}test_a_merge_that_ends_while_the_next_one_is_chosen",),
    ),
    Bug(
        "a-slow-merge-loses-its-lease",
        MERGER,
        "            claims.renew(connection, merge, merging.lease_seconds)",
        "            pass",
        (f"{MERGING}test_a_lease_is_renewed_while_a_step_takes_long",),
    ),
    Bug(
        "merging-cannot-be-paused",
        MERGER,
        "if merging.should_stop() or control.is_paused(connection):",
        "if merging.should_stop():",
        (f"{MERGING}test_an_operator_pauses_and_resumes",),
    ),
    Bug(
        "merging-comes-before-loading",
        MERGER,
        "    if leaves <= merging.urgent_leaves:\n        return False\n",
        "",
        (f"{MERGING}test_loads_come_first",),
    ),
    # -- what the merged leaf has
    Bug(
        "merged-leaves-have-no-key-index",
        COPYING,
        "    yield from create_key_index(merge.table, merge.leaf)\n",
        "",
        (f"{MERGING}test_the_same_rows_are_in_one_leaf_with_all_indexes",),
    ),
    Bug(
        "keys-are-unique-in-merged-leaves",
        COPYING,
        "create_key_index(merge.table, merge.leaf)",
        "create_key_index(merge.table, merge.leaf, is_unique=True)",
        (f"{MERGING}test_uploads_may_have_the_same_keys",),
    ),
    Bug(
        "a-correction-between-two-chunks-is-missed",
        COPYING,
        "        DO UPDATE SET copied_records = merged.copied_records + excluded.copied_records\n)",
        "        DO UPDATE SET copied_records = merged.copied_records + excluded.copied_records,\n"
        "            loaded_records = excluded.loaded_records\n)",
        (f"{MERGING}test_a_correction_during_a_merge_is_in_the_merged_leaf",),
    ),
    Bug(
        "what-changed-is-swapped-in",
        SWAPPING,
        "    if changed:\n",
        "    if False:\n",
        (f"{MERGING}test_an_undo_wins",),
    ),
    Bug(
        "an-undo-that-has-not-committed-is-missed",
        SWAPPING,
        "ORDER BY number FOR NO KEY UPDATE",
        "ORDER BY number",
        (f"{MERGING}test_an_upload_is_locked_before_it_is_compared",),
    ),
    Bug(
        "merged-rows-are-not-counted",
        COPYING,
        "    if stored != copied:",
        "    if False:",
        (f"{MERGING}test_what_does_not_add_up_is_not_swapped_in",),
    ),
    Bug(
        "copied-rows-are-not-reconciled",
        SWAPPING,
        "        if rows != copied[number][1]:",
        "        if False:",
        (f"{MERGING}test_rows_that_were_copied_too_seldom_are_not_swapped_in",),
    ),
    Bug(
        "readers-wait-as-long-as-a-long-reader-takes",
        SWAPPING,
        """_BRANCH_TIMEOUT: Final = "SET LOCAL lock_timeout = '200ms'\"""",
        """_BRANCH_TIMEOUT: Final = "SET LOCAL lock_timeout = '5s'\"""",
        (f"{MERGING}test_a_long_reader_is_waited_for",),
    ),
    Bug(
        "an-undo-keeps-rows-in-merged-leaves",
        "shared/ingest/lifecycle/undoing.py",
        "        _delete_rows(plain, table, collection, branch, first_id, touches)",
        "        assert branch",
        (f"{MERGING}test_an_undo_wins",),
    ),
)
