"""Stored files in a bucket."""

from typing import Final

from tests.seeded_bugs import Bug

STORE: Final = "shared/storage/object_store.py"
WRITER: Final = "shared/storage/object_writer.py"
REQUESTS: Final = "shared/storage/object_requests.py"
ERRORS: Final = "shared/storage/object_errors.py"
STORAGES: Final = "tests/system/storage/test_storages.py::"
FAULTS: Final = "tests/system/storage/test_faults.py::"
BESIDE: Final = "tests/system/storage/test_beside.py::"
ADDRESSES: Final = "tests/unit/test_storage_url.py::"

BUGS: Final = (
    Bug(
        "a-range-of-a-part-may-be-short",
        STORE,
        "if len(found) != end - start:",
        "if not found:",
        (f"{FAULTS}test_a_part_that_shrinks_is_a_corrupt_file",),
    ),
    Bug(
        "a-part-less-is-counted",
        WRITER,
        "PARTS: str(self._parts)",
        "PARTS: str(max(self._parts - 1, 0))",
        (f"{STORAGES}test_an_object_is_read_as_it_was_written",),
    ),
    Bug(
        "parts-without-a-last-one-are-not-listed",
        STORE,
        "if is_below:",
        'if one["path"].endswith(LAST):',
        (f"{STORAGES}test_what_a_killed_process_leaves_behind_is_listed_and_can_be_deleted",),
    ),
    Bug(
        "what-is-discarded-stays",
        WRITER,
        "        if self._has_sent:\n",
        "        if not self._has_sent:\n",
        (f"{STORAGES}test_of_what_is_discarded_nothing_is_left",),
    ),
    Bug(
        "a-bucket-that-is-gone-condemns-its-files",
        REQUESTS,
        "        return storage_error(error)\n",
        '        return StoredFileCorrupt("the stored file is gone")\n',
        (f"{FAULTS}test_a_bucket_that_is_gone_is_unavailable_and_condemns_no_file",),
    ),
    Bug(
        "an-error-of-a-bucket-is-shown-as-it-is",
        ERRORS,
        '{"reason": _reason(text)}',
        '{"reason": text}',
        (f"{FAULTS}test_no_error_text_shows_an_address_or_a_credential",),
    ),
    Bug(
        "a-full-bucket-is-only-unavailable",
        ERRORS,
        "if _FULL.search(text):",
        "if _FULL.fullmatch(text):",
        (f"{FAULTS}test_a_server_that_is_full_says_so",),
    ),
    Bug(
        "a-parent-that-forks-asks-the-bucket-itself",
        "shared/storage/opening.py",
        "return StorageBeside(settings)",
        "return open_storage(settings)",
        (f"{BESIDE}test_a_child_that_was_forked_after_the_first_request_reads",),
    ),
    Bug(
        "the-process-beside-outlives-its-parent",
        "shared/storage/beside.py",
        "self._process.start(_prepare)",
        "self._process.start()",
        (f"{BESIDE}test_a_killed_parent_leaves_no_process_behind",),
    ),
    Bug(
        "an-address-of-a-bucket-is-repeated",
        "shared/settings.py",
        ", hide_input_in_errors=True",
        "",
        (f"{ADDRESSES}test_an_address_that_is_refused_is_not_repeated",),
    ),
)
