"""Compressed files and archives: what they cost, and which table they show."""

from typing import Final

from tests.seeded_bugs import Bug
from tests.seeded_bugs.bugs.contents import FILE_INTAKE, INTAKES, REFUSED

CODEC: Final = "shared/csv/compression/codec.py"
STREAMS: Final = "shared/csv/compression/streams.py"
ZIP: Final = "shared/csv/compression/zip.py"
CHOICE: Final = "shared/csv/compression/choice.py"
ARCHIVES: Final = "tests/unit/csv/test_zip.py::"
COMPRESSIONS: Final = "tests/unit/csv/test_compression.py::"

BUGS: Final = (
    Bug(
        "compression-of-any-ratio",
        CODEC,
        "if self._bytes_out > max(",
        "if self._bytes_out > max(1 << 60, ",
        (f"{REFUSED}[a compressed file that unpacks to 1,000 times its size]",),
    ),
    Bug(
        "members-of-gzip-cost-their-square",
        CODEC,
        "_SLICE_BYTES: Final = 16 * 1024",
        "_SLICE_BYTES: Final = 64 * 1024 * 1024",
        ("tests/system/api/test_bombs.py::test_a_bomb_costs_what_it_weighs[a million empty members of gzip]",),
    ),
    Bug(
        "zeros-behind-gzip-are-refused",
        STREAMS,
        "(rest := rest.lstrip(PADDING))",
        "rest",
        ("tests/fuzz/test_fuzz.py::test_checks_hold[gzip]",),
    ),
    Bug(
        "dictionaries-of-any-size",
        "shared/csv/compression/xz.py",
        ", memlimit=MOST_WINDOW_BYTES + _OVERHEAD_BYTES",
        "",
        (f"{COMPRESSIONS}test_a_dictionary_that_needs_too_much_memory_is_refused",),
    ),
    Bug(
        "windows-of-any-size",
        "shared/csv/compression/zstd.py",
        "MOST_WINDOW_BYTES.bit_length() - 1",
        "31",
        (f"{COMPRESSIONS}test_a_window_that_needs_too_much_memory_is_refused",),
    ),
    Bug(
        "pieces-of-any-size",
        STREAMS,
        "stream.decompress(rest, PIECE_BYTES)",
        "stream.decompress(rest, 1 << 40)",
        (f"{COMPRESSIONS}test_memory_is_flat",),
    ),
    # -- archives
    Bug(
        "streams-of-nothing-cost-nothing",
        STREAMS,
        "self._ratio.add_out(opened * _STREAM_BYTES)",
        "self._ratio.add_out(0)",
        (f"{ARCHIVES}test_content_beyond_the_ratio_is_refused_wherever_it_is",),
    ),
    Bug(
        "the-directory-of-an-archive-is-not-compared",
        ZIP,
        "if member is None or not member.is_same(entry):",
        "if member is None:",
        (f"{ARCHIVES}test_header_content_and_directory_must_agree",),
    ),
    Bug(
        "members-that-the-directory-hides-are-read",
        ZIP,
        "is_right, is_large = not self._members, ",
        "is_right, is_large = True, ",
        (f"{ARCHIVES}test_an_end_that_lies_is_corrupt",),
    ),
    Bug(
        "an-end-within-an-end",
        ZIP,
        " or records.END in comment:",
        ":",
        (f"{ARCHIVES}test_an_end_that_lies_is_corrupt",),
    ),
    Bug(
        "archives-of-any-number-of-members",
        ZIP,
        "if self._directory_bytes > _MOST_DIRECTORY_BYTES:",
        "if not member:",
        (f"{ARCHIVES}test_an_archive_of_very_many_members_is_refused_quickly",),
    ),
    Bug(
        "the-first-of-several-tables-is-taken",
        CHOICE,
        "if len(self._tables) > 1:",
        "if not self._tables:",
        (f"{ARCHIVES}test_several_tables_are_listed_and_none_is_guessed",),
    ),
    Bug(
        "what-came-before-a-likelier-table-stays",
        FILE_INTAKE,
        "            self._content.discard()\n            self._content, self._refusal",
        "            self._content, self._refusal",
        (f"{INTAKES}test_a_likelier_table_of_an_archive_replaces_the_one_before",),
    ),
)
