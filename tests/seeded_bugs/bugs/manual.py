"""Records that people write, change and remove."""

from typing import Final

from tests.seeded_bugs import Bug

EDITS: Final = "tests/integration/ingest/test_edits.py::"
ANSWERS: Final = "tests/system/api/test_movie_edits.py::"
FILTERS: Final = "tests/integration/database/test_tenant_filters.py::"
EDITING: Final = "shared/ingest/manual/editing.py"
UPSERTING: Final = "shared/ingest/versions/upserting.py"
UNDOING: Final = "shared/ingest/lifecycle/undoing.py"
ROUTE: Final = "api/routes/movie_edits.py"

BUGS: Final = (
    Bug(
        "what-a-person-removed-comes-back",
        UPSERTING,
        "AND upload.kind = '{manual}' AND {has_removed_key}",
        "AND false AND upload.kind = '{manual}' AND {has_removed_key}",
        (f"{EDITS}test_what_a_person_removed_stays_removed",),
    ),
    Bug(
        "a-changed-row-without-a-key-comes-back-twice",
        UNDOING,
        "        upserting.follow_changed(plain, collection, number)\n",
        "",
        (f"{EDITS}test_changes_of_a_record_without_a_key_are_undone_in_any_order",),
    ),
    Bug(
        "two-edits-of-the-same-state-are-both-made",
        EDITING,
        "    if not plain.execute(held, collection=collection.number, target=target):",
        "    if False:",
        (f"{EDITS}test_a_row_that_is_gone_cannot_be_edited",),
    ),
    Bug(
        "a-key-is-written-twice",
        EDITING,
        "        if plain.execute(is_taken, collection=collection.number)[0][0]:",
        "        if False:",
        (f"{EDITS}test_a_key_is_written_once",),
    ),
    Bug(
        "an-edit-needs-no-tag",
        ROUTE,
        "    if if_match is None:",
        "    if False:",
        (f"{ANSWERS}test_an_edit_needs_the_tag_of_what_was_seen",),
    ),
    Bug(
        "a-key-is-changed",
        ROUTE,
        "    _require_same_key(body.root, values)\n",
        "",
        (f"{ANSWERS}test_the_key_of_a_record_stays",),
    ),
    Bug(
        "followers-lack-what-an-edit-had-superseded",
        UNDOING,
        "        touch(plain, table, collection, version, superseded)\n",
        "",
        (f"{ANSWERS}test_who_follows_hears_of_movies_without_a_key",),
    ),
)
