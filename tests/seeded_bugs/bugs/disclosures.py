"""What answers, downloads and logs disclose."""

from typing import Final

from tests.seeded_bugs import Bug

PROBLEMS: Final = "api/description/problems.py"
FORMULAS: Final = "shared/ingest/corrections/formulas.py"
SHEET: Final = "shared/ingest/corrections/rejects_spreadsheet.py"
SHEETS: Final = "tests/integration/ingest/test_rejects_spreadsheet.py::"
HEADERS: Final = "tests/system/api/test_headers.py::"
ERRORS: Final = "tests/system/api/test_errors_and_health.py::"
CANARY: Final = "tests/system/platform/test_canary.py::"

BUGS: Final = (
    # -- in answers, downloads and logs
    Bug(
        "answers-may-be-sniffed",
        "api/middleware/security_headers.py",
        '"X-Content-Type-Options": "nosniff",',
        "",
        ("tests/system/api/test_headers.py::test_every_answer_has_them",),
    ),
    Bug(
        "spreadsheets-compute-cells",
        FORMULAS,
        """b"'" if _FORMULA.match(cell) else b""\n""",
        'b""\n',
        (f"{SHEETS}test_what_a_spreadsheet_computes_becomes_text",),
    ),
    Bug(
        "rows-in-tracebacks",
        "shared/tracebacks.py",
        "str(original).partition(chr(10))[0]",
        "str(original)",
        ("tests/integration/test_logs.py::test_a_databases_error_is_told_without_the_row",),
    ),
    Bug(
        "rows-in-the-databases-log",
        "stack/postgres.py",
        '"log_error_verbosity": "terse",',
        "",
        ("tests/system/stack/test_postgres.py::test_no_row_gets_into_the_log",),
    ),
    Bug(
        "file-names-in-the-log",
        "api/intake/streaming.py",
        "limits = settings or runtime.settings",
        'limits = settings or runtime.settings\n        log.info("receiving", filename=source.filename)',
        ("tests/system/platform/test_canary.py::test_no_log_tells_the_secret",),
    ),
    Bug(
        "rows-on-flowers-pages",
        "worker/tasks.py",
        "raise LoadCrashed(type(error).__name__) from None",
        "raise LoadCrashed(str(error)) from None",
        ("tests/system/platform/test_canary.py::test_flower_tells_ids_and_no_secret",),
    ),
    Bug(
        "pickles-are-unpacked",
        "worker/app.py",
        'task_serializer="json",\n    accept_content=["json"]',
        'task_serializer="json",\n    accept_content=["json", "pickle"]',
        ("tests/system/platform/test_canary.py::test_garbage_and_pickles_are_dropped_and_the_worker_goes_on",),
    ),
    Bug(
        "garbage-ends-a-worker",
        "worker/app.py",
        "broker_transport.install()\n",
        "",
        ("tests/system/platform/test_canary.py::test_garbage_and_pickles_are_dropped_and_the_worker_goes_on",),
    ),
    Bug(
        "apostrophes-of-ours-stay",
        FORMULAS,
        r"""_ESCAPED, r"\1")""",
        r"""_ESCAPED, r"'\1")""",
        (f"{SHEETS}test_what_is_put_before_a_cell_is_taken_back_exactly",),
    ),
    Bug(
        "downloads-open-in-the-browser",
        "api/listings/rejects_export.py",
        "f'attachment; ",
        "f'inline; ",
        (f"{HEADERS}test_a_download_is_an_attachment_and_its_name_is_ours",),
    ),
    Bug(
        "every-page-is-let-in",
        "api/main.py",
        "allow_origins=list(settings.cors_origins)",
        'allow_origins=["*"]',
        (f"{HEADERS}test_no_foreign_page_is_let_in",),
    ),
    Bug(
        "the-server-names-itself",
        "api/server/serve.py",
        "server_header=False",
        "server_header=True",
        (f"{HEADERS}test_every_answer_has_them",),
    ),
    Bug(
        "unexpected-errors-in-answers",
        PROBLEMS,
        '"Something went wrong on our side."',
        "str(sys.exc_info()[1])",
        (f"{ERRORS}test_an_error_that_nobody_foresaw_shows_nothing_of_the_inside",),
        also=(("import re\n", "import re\nimport sys\n"),),
    ),
    Bug(
        "errors-of-the-database-in-answers",
        PROBLEMS,
        '"The database does not answer; try again in a few seconds."',
        "str(error)",
        (f"{ERRORS}test_without_a_database_everything_says_so_and_nothing_is_kept",),
    ),
    Bug(
        "paths-on-the-disk-in-answers",
        "shared/storage/directory.py",
        '"the storage cannot be written", {"reason": os.strerror(error.errno or 0)}',
        '"the storage cannot be written", {"reason": str(error)}',
        (f"{ERRORS}test_a_disk_that_takes_no_file_is_told_without_its_path",),
    ),
    Bug(
        "health-tells-versions",
        "api/routes/health.py",
        'return "postgresql"',
        'return f"postgresql {engine.dialect.server_version_info}"',
        (f"{ERRORS}test_health_names_what_answered",),
    ),
    Bug(
        "a-value-is-a-line-of-the-log",
        "shared/logs.py",
        "[_on_one_line, structlog",
        "[structlog",
        ("tests/integration/test_logs.py::test_a_value_can_not_forge_a_line",),
    ),
    Bug(
        "names-of-files-in-the-history",
        "migrations/versions/2026-11-22_history_idempotency_and_budgets.py",
        "NEW.error_message);",
        "coalesce(NEW.error_message, NEW.filename));",
        (f"{CANARY}test_rows_and_names_are_only_where_they_belong",),
    ),
    Bug(
        "a-database-that-hangs-is-waited-for",
        "shared/database/engine.py",
        '            "command_timeout": _READ_ANSWER_SECONDS,\n',
        "",
        ("tests/system/api/test_errors_and_health.py::test_who_asks_a_database_that_hangs_gets_an_answer",),
    ),
    # -- rejects in a program that splits elsewhere than the file
    Bug(
        "pieces-of-cells-are-computed",
        FORMULAS,
        """front + _PIECE.sub(rb"\\1'", cell)""",
        "front + cell",
        (f"{SHEETS}test_what_is_computed_where_a_program_splits_otherwise_becomes_text",),
    ),
    Bug(
        "formulas-hide-behind-quotes",
        FORMULAS,
        r"""(?='*[ \"]*(?:""",
        "(?='* *(?:",
        (f"{SHEETS}test_what_is_computed_where_a_program_splits_otherwise_becomes_text",),
    ),
    Bug(
        "pieces-do-not-begin-behind-the-files-own-delimiter",
        FORMULAS,
        '_BORDER: Final = ",;',
        '_BORDER: Final = ";',
        (f"{SHEETS}test_nothing_is_computed_wherever_a_program_splits",),
    ),
    Bug(
        "apostrophes-of-ours-stay-within-cells",
        FORMULAS,
        r"""_ESCAPED_PIECE, r"\1\2")""",
        r"""_ESCAPED_PIECE, r"\1'\2")""",
        (f"{SHEETS}test_what_is_put_before_a_cell_is_taken_back_exactly",),
    ),
    Bug(
        "cells-of-ours-have-no-quotes",
        SHEET,
        "def _ours(",
        "def _ours_in_quotes(",
        (f"{SHEETS}test_every_cell_is_in_quotes",),
    ),
    Bug(
        "apostrophes-make-a-text-longer-than-a-cell",
        SHEET,
        "_LONGEST_TEXT_CHARACTERS: Final = 21_000",
        "_LONGEST_TEXT_CHARACTERS: Final = 32_000",
        (f"{SHEETS}test_a_malformed_record_is_cut_to_what_a_spreadsheets_cell_holds",),
    ),
)
