"""Pictures of movies."""

from typing import Final

from tests.seeded_bugs import Bug

CLEANING: Final = "tests/unit/shots/test_cleaning.py::"
KEEPING: Final = "tests/integration/shots/test_keeping.py::"
SERVING: Final = "tests/system/api/test_shots.py::"
CLEANER: Final = "shared/shots/cleaning.py"
KEEPER: Final = "shared/shots/keeping.py"
QUERIES: Final = "shared/database/queries/browsing/shots.py"
ROUTES: Final = "api/routes/shots.py"

BUGS: Final = (
    Bug(
        "a-picture-keeps-what-it-says",
        CLEANER,
        "    plain.info = {}\n",
        "",
        (f"{CLEANING}test_nothing_but_the_pixels_is_kept",),
    ),
    Bug(
        "a-picture-lies-on-its-side",
        CLEANER,
        "ImageOps.exif_transpose(image)",
        "image.copy()",
        (f"{CLEANING}test_a_picture_stands_upright",),
    ),
    Bug(
        "colours-without-their-profile",
        CLEANER,
        "    if profile:\n",
        "    if False:\n",
        (f"{CLEANING}test_colours_are_those_of_the_profile",),
    ),
    Bug(
        "pixels-without-a-bound",
        CLEANER,
        "    if pixels > raw.most_pixels:",
        "    if False:",
        (f"{CLEANING}test_the_pixels_of_a_picture_are_bounded",),
    ),
    Bug(
        "frames-without-a-bound",
        CLEANER,
        "    if frames > raw.most_frames:",
        "    if False:",
        (f"{CLEANING}test_frames_are_bounded_and_kept",),
    ),
    Bug(
        "a-shot-is-added-without-the-lock",
        KEEPER,
        '            connection.execute(_LOCK, {"tenant": record.tenant})\n',
        "",
        (f"{KEEPING}test_limits_hold_for_many_at_a_time",),
    ),
    Bug(
        "a-shot-is-removed-without-the-lock",
        KEEPER,
        '        connection.execute(_LOCK, {"tenant": tenant})\n        mine',
        "        mine",
        (f"{KEEPING}test_no_row_is_without_its_file_while_others_remove_it",),
    ),
    Bug(
        "a-shared-file-is-removed",
        KEEPER,
        "    if not is_shared:",
        "    if True:",
        (f"{KEEPING}test_a_file_goes_with_its_last_shot",),
    ),
    Bug(
        "shots-take-any-number-of-bytes",
        KEEPER,
        " + size_bytes > limits.tenant_bytes",
        " > limits.tenant_bytes",
        (f"{KEEPING}test_a_movie_has_so_many_shots_and_a_tenant_so_many_bytes",),
    ),
    Bug(
        "the-sweep-removes-files-of-shots",
        "shared/ingest/lifecycle/retention.py",
        "for owner in (Upload, DefaultFile, Shot):",
        "for owner in (Upload, DefaultFile):",
        (f"{KEEPING}test_the_sweep_removes_orphans_and_leaves_shots",),
    ),
    Bug(
        "sums-of-shots-only-grow",
        "migrations/versions/2026-12-10_shots.py",
        "total.size_bytes - removed.size_bytes",
        "total.size_bytes",
        (f"{KEEPING}test_shots_go_with_their_collection",),
    ),
    Bug(
        "shots-belong-to-a-row",
        QUERIES,
        "return cls(tenant, collection, source_id, movie_id if source_id is None else None)",
        "return cls(tenant, collection, None, movie_id)",
        (f"{SERVING}test_shots_stay_with_the_key_when_the_row_is_set_anew",),
    ),
    Bug(
        "anybodys-shots",
        QUERIES,
        ".where(Shot.id == shot_id, Shot.tenant == tenant)",
        ".where(Shot.id == shot_id)",
        ("tests/integration/database/test_tenant_filters.py::test_a_statement_finds_nothing_of_another_tenant",),
    ),
    Bug(
        "a-picture-may-run-scripts",
        ROUTES,
        "; sandbox",
        "",
        (f"{SERVING}test_a_picture_is_served_as_what_it_is_and_says_nothing_else",),
    ),
    Bug(
        "a-picture-is-sent-to-who-has-it",
        ROUTES,
        '.removeprefix("W/")',
        "",
        (f"{SERVING}test_a_client_that_has_it_gets_it_not_again",),
    ),
    Bug(
        "a-picture-of-any-size",
        "api/intake/picture_body.py",
        "            if len(content) > most_bytes:",
        "            if False:",
        (f"{SERVING}test_what_is_no_picture_is_refused_and_not_kept",),
    ),
)
