"""Default files and reloading; files to begin with."""

from typing import Final

from tests.seeded_bugs import Bug

FILES: Final = "shared/ingest/intake/default_files.py"
STORED: Final = "api/intake/default_file.py"
ROUTE: Final = "api/routes/reload.py"
MIGRATION: Final = "migrations/versions/2026-12-11_default_files.py"
BLOCKS: Final = "cli/seeding/copy_blocks.py"
SEEDING: Final = "cli/seeding/seeding.py"
DEFAULTS: Final = "tests/integration/ingest/test_default_files.py::"
RELOAD: Final = "tests/system/api/test_reload.py::"
ROWS: Final = "tests/integration/database/test_row_security.py::"
DUMPS: Final = "tests/unit/cli/seeding/test_copy_blocks.py::"
SEED: Final = "tests/system/cli/test_seed.py::"

BUGS: Final = (
    Bug(
        "requests-see-all-default-files",
        MIGRATION,
        "USING ({OF_TENANT})",
        "USING (true)",
        (f"{ROWS}test_a_reader_sees_its_tenants_rows_and_without_a_tenant_none",),
    ),
    Bug(
        "requests-may-change-default-files",
        MIGRATION,
        "GRANT SELECT ON default_files",
        "GRANT SELECT, UPDATE, DELETE ON default_files",
        (f"{ROWS}test_what_no_request_does_no_request_may",),
    ),
    Bug(
        "retention-removes-default-files",
        "shared/ingest/lifecycle/retention.py",
        "for owner in (Upload, DefaultFile, Shot):",
        "for owner in (Upload, Shot):",
        (f"{DEFAULTS}test_retention_keeps_the_default_file_and_removes_those_before_it",),
    ),
    Bug(
        "a-default-file-is-not-tried",
        FILES,
        "                intake.finish()\n",
        "",
        (f"{DEFAULTS}test_a_file_that_could_not_be_loaded_is_refused_and_nothing_is_left",),
    ),
    Bug(
        "a-refused-default-file-stays-in-the-storage",
        FILES,
        "        writer.discard()\n",
        "",
        (f"{DEFAULTS}test_a_file_that_could_not_be_loaded_is_refused_and_nothing_is_left",),
    ),
    Bug(
        "the-options-of-a-default-file-are-forgotten",
        FILES,
        '"parameters": options.to_json()',
        '"parameters": {}',
        (f"{RELOAD}test_what_was_said_with_the_file_holds_until_a_request_says_otherwise",),
    ),
    Bug(
        "a-reload-goes-by-the-mode-of-its-dataset",
        ROUTE,
        "mode=WriteMode.REPLACE",
        "mode=None",
        (f"{RELOAD}test_it_replaces_whatever_the_mode_of_its_dataset",),
    ),
    Bug(
        "a-reload-of-the-same-bytes-is-the-earlier-upload",
        ROUTE,
        "force=True",
        "force=False",
        (f"{RELOAD}test_the_same_bytes_are_loaded_again",),
    ),
    Bug(
        "the-file-in-the-body-is-passed-over",
        STORED,
        "    return not is_empty or ",
        "    return ",
        (f"{RELOAD}test_a_file_in_the_body_is_loaded_once_and_does_not_become_the_default",),
    ),
    Bug(
        "a-key-belongs-to-the-bytes-of-the-default-file",
        STORED,
        "fingerprint_of(_ITS_BYTES, options)",
        "fingerprint_of(_staged.sha256, options)",
        (f"{RELOAD}test_the_same_key_is_the_same_reload_even_if_another_file_is_the_default_by_then",),
    ),
    Bug(
        "a-dump-that-is-cut-off-is-whole",
        BLOCKS,
        "    if has_begun and not is_complete:\n",
        "    if False:\n",
        (f"{DUMPS}test_a_dump_that_is_cut_off_anywhere_is_never_taken_for_whole",),
    ),
    Bug(
        "null-is-looked-for-behind-the-escapes",
        BLOCKS,
        "None if field == _NULL else",
        "None if _unescaped(field) in (_NULL, b'N') else",
        (f"{DUMPS}test_a_field_is_what_was_written",),
    ),
    Bug(
        "an-escaped-tab-divides-fields",
        BLOCKS,
        '    if b"\\\\" not in line:\n        return line.split(b"\\t")\n',
        '    return line.split(b"\\t")\n',
        (f"{DUMPS}test_a_field_is_what_was_written",),
    ),
    Bug(
        "seed-replaces-what-is-there",
        SEEDING,
        "        if _rows(client, file, file.any_of_it):\n",
        "        if False:\n",
        (f"{SEED}test_what_a_tenant_has_loaded_stays",),
    ),
)
