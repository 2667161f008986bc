"""What a file is made of: its size and name, forms, records, fields and characters."""

from typing import Final

from tests.seeded_bugs import Bug

READ: Final = "shared/csv/reading/read.py"
FILE_INTAKE: Final = "shared/ingest/intake/file_intake.py"
ENCODING: Final = "shared/csv/encodings/to_utf8.py"
REGISTRY: Final = "shared/catalog/registry.py"
STORAGE: Final = "shared/storage/directory.py"
BODY: Final = "api/intake/request_body.py"
FILENAMES: Final = "api/intake/filenames.py"
INTAKES: Final = "tests/unit/ingest/test_file_intake.py::"
REFUSED: Final = "tests/system/api/test_files.py::test_a_file_that_is_none_is_refused_and_leaves_nothing"
MALFORMED: Final = (
    "tests/system/api/test_files.py::test_malformed_records_are_told_with_their_location_and_the_rest_loads"
)
FORMS: Final = "tests/system/api/test_multipart.py::test_a_form_that_broke_others"
KEPT: Final = "tests/system/api/test_filenames.py::test_what_is_kept_of_a_hostile_name_is_a_name"
STORED: Final = "tests/system/api/test_filenames.py::test_no_name_leads_out_of_the_uploads_directory"

BUGS: Final = (
    # -- splitting and reading
    Bug(
        "last-record-without-newline-is-lost",
        "shared/csv/split.py",
        "        if self._pending:\n",
        '        if self._pending.endswith(b"\\n"):\n',
        ("tests/unit/csv/test_split.py::test_spans_tile_any_content",),
    ),
    Bug(
        "cut-inside-quotes",
        "shared/csv/split.py",
        "if quotes % 2 == 0:",
        "if quotes >= 0:",
        ("tests/unit/csv/test_split.py::test_spans_hold_whole_records",),
        also=(("if is_valid(data, self._dialect, self._fields):", "if data:"),),
    ),
    Bug(
        "cut-where-quotes-are-malformed",
        "shared/csv/split.py",
        "if is_valid(data, self._dialect, self._fields):",
        "if data:",
        ("tests/unit/csv/test_read.py::test_batches_make_no_difference_to_what_fuzzing_found",),
    ),
    Bug(
        "malformed-records-are-not-counted",
        "shared/csv/reading/records.py",
        "return len(self.locations)",
        "return int(self.table.num_rows)",
        ("tests/unit/csv/test_read.py::test_malformed_input_stays_local",),
    ),
    # -- how much of it there may be
    Bug(
        "size-is-not-counted",
        FILE_INTAKE,
        "if size_bytes > most_bytes:",
        "if size_bytes > most_bytes**2:",
        ("tests/system/api/test_upload.py::test_the_size_is_counted_when_nothing_announced_it",),
    ),
    Bug(
        "what-gzip-holds-is-not-counted",
        FILE_INTAKE,
        "        _refuse_more_than(self._settings.max_upload_bytes, self._seen_bytes)",
        "        ",
        (f"{INTAKES}test_a_small_gzip_that_holds_too_much_is_refused",),
    ),
    Bug(
        "what-gzip-weighs-is-not-counted",
        FILE_INTAKE,
        "        _refuse_more_than(self._settings.max_upload_bytes, self._size_bytes)\n",
        "",
        (f"{INTAKES}test_a_large_gzip_that_holds_little_is_refused",),
    ),
    Bug(
        "refused-files-stay",
        "api/intake/streaming.py",
        "        await asyncio.shield(stream.abort())\n",
        "",
        (REFUSED,),
    ),
    Bug(
        "a-named-dataset-is-one-of-many",
        REGISTRY,
        "[self.get(name)] if name else [each for each in self",
        "[each for each in self",
        ("tests/unit/csv/test_sniff.py::test_what_the_client_says_counts",),
    ),
    Bug(
        "headers-of-any-number-of-columns",
        REGISTRY,
        "if len(header) > MOST_COLUMNS:",
        "if not header:",
        (f"{INTAKES}test_a_header_of_very_many_columns_is_refused_quickly",),
    ),
    Bug(
        "fields-of-any-length",
        READ,
        "if (pc.max(lengths).as_py() or 0) > LONGEST_FIELD_BYTES:",
        "if False:",
        (f"{MALFORMED}[a field over 1 MiB]",),
    ),
    Bug(
        "records-of-any-number-of-lines",
        READ,
        "self._line_counts > MOST_RECORD_LINES",
        "self._line_counts < 0",
        (f"{MALFORMED}[a record of over 1,000 lines]",),
    ),
    # -- text
    Bug(
        "what-is-no-text-is-replaced",
        ENCODING,
        "        if self._decoder is None:\n            return data\n",
        '        if self._decoder is None:\n            return data.decode(errors="replace").encode()\n',
        (f"{MALFORMED}[invalid UTF-8]",),
    ),
    Bug(
        "bytes-that-cannot-be-decoded-are-dropped",
        "shared/csv/encodings/undecoded.py",
        'decode("latin-1").translate(_ESCAPED), error.end',
        'decode("latin-1")[:0], error.end',
        ("tests/unit/csv/test_encoding.py::test_what_does_not_decode_is_no_valid_text",),
    ),
    Bug(
        "the-likeliest-encoding-is-guessed",
        "shared/csv/encodings/recognition.py",
        "others[0].surprise < best.surprise + _CLEAR:",
        "others[0].surprise < best.surprise:",
        ("tests/unit/csv/test_recognition.py::test_an_ambiguous_file_is_refused_with_what_each_encoding_reads",),
    ),
    Bug(
        "a-guess-holds-for-bytes-that-no-sample-had",
        ENCODING,
        "self._choose(encoding, self._recognition.open_bytes(), ",
        'self._choose(encoding, b"", ',
        ("tests/unit/csv/test_recognition.py::test_bytes_behind_the_sample_may_show_which_of_several_encodings_it_is",),
    ),
    # -- forms
    Bug(
        "what-is-beside-the-file-has-no-size",
        BODY,
        "if overhead > MULTIPART_OVERHEAD_BYTES:",
        "if overhead < 0:",
        (f"{FORMS}[an endless preamble]",),
    ),
    Bug(
        "parts-of-any-number-of-headers",
        BODY,
        "max_segment_count=_MOST_PARTS",
        "max_segment_count=_MOST_PARTS, max_header_count=1_000_000",
        (f"{FORMS}[10,000 headers of a part]",),
    ),
    # -- its name, and where it is stored
    Bug(
        "names-keep-paths-of-windows",
        FILENAMES,
        're.split(r"[/\\\\]", name)',
        're.split(r"/", name)',
        (KEPT,),
    ),
    Bug(
        "names-keep-what-is-invisible",
        FILENAMES,
        'category[0] == "C"',
        'category == "Cc"',
        (KEPT,),
    ),
    Bug(
        "names-of-any-length",
        FILENAMES,
        "if len(name.encode()) <= MAX_NAME_BYTES:",
        "if name:",
        (KEPT,),
    ),
    Bug(
        "stored-under-the-clients-name",
        FILE_INTAKE,
        "self._key = storage.new_key()",
        "self._key = storage.new_key() + filename",
        (STORED,),
        also=(
            (
                "options: TextOptions, matcher: HeaderMatcher) -> None:\n        self._settings",
                "options: TextOptions, matcher: HeaderMatcher, filename: str) -> None:\n        self._settings",
            ),
            (
                "partial(_Content, storage, settings, options, matcher)",
                "partial(_Content, storage, settings, options, matcher, filename)",
            ),
        ),
    ),
    Bug(
        "stored-files-may-be-executed",
        STORAGE,
        "0o600)",
        "0o700)",
        (STORED,),
    ),
    Bug(
        "only-the-umask-keeps-files-private",
        STORAGE,
        "0o600)",
        "0o666)",
        (f"{INTAKES}test_a_stored_file_is_its_owners_whatever_the_umask_is",),
    ),
    Bug(
        "servers-write-for-all-users",
        "api/main.py",
        "    os.umask(0o077)",
        "    ",
        ("tests/system/api/test_server.py::test_processes_write_for_nobody_else",),
    ),
    Bug(
        "cells-steer-the-terminal",
        "cli/rendering/formatting.py",
        "    if text.isprintable():\n",
        "    if text:\n",
        ("tests/system/cli/test_commands.py::test_what_a_file_holds_cannot_steer_the_terminal",),
    ),
)
