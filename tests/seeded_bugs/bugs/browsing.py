"""What is kept beside the rows: genres, reject codes, figures; and the reports that rest on it."""

from typing import Final

from tests.seeded_bugs import Bug

TOTALS: Final = "shared/ingest/versions/totals.py"
CORRECTED: Final = "shared/ingest/corrections/correction_loading.py"
MODES: Final = "tests/integration/ingest/test_write_modes.py::"
FIGURES: Final = "tests/integration/browsing/test_figures.py::"
GENRES: Final = "tests/integration/browsing/test_genres.py::"
TENANTS: Final = "tests/integration/browsing/test_tenants.py::"
STATEMENTS: Final = "shared/database/queries/browsing"

BUGS: Final = (
    Bug(
        "a-genre-that-a-small-file-repeats-counts-twice",
        TOTALS,
        '        each = each.group_by(["row", "value"]).aggregate([])\n',
        "",
        (f"{MODES}test_values_of_a_list_count_once[small-18]",),
    ),
    Bug(
        "a-genre-that-a-large-file-repeats-counts-twice",
        TOTALS,
        "SELECT DISTINCT value FROM unnest",
        "SELECT value FROM unnest",
        (f"{MODES}test_values_of_a_list_count_once[large-18]",),
    ),
    Bug(
        "superseded-rows-keep-their-genres",
        TOTALS,
        "    for breakdown in table.breakdowns:\n        values = _json(",
        "    for breakdown in ():\n        values = _json(",
        (f"{MODES}test_a_row_is_back_when_the_last_that_superseded_it_is_undone",),
    ),
    Bug(
        "genres-of-large-uploads-are-not-counted",
        TOTALS,
        "    for breakdown in table.breakdowns:\n        yield",
        "    for breakdown in ():\n        yield",
        (f"{MODES}test_values_of_a_list_count_once[large-18]",),
    ),
    Bug(
        "corrected-records-stay-rejected",
        CORRECTED,
        "        totals.corrected(",
        "        (lambda *_: None)(",
        (f"{FIGURES}test_a_corrected_record_is_no_longer_rejected",),
    ),
    Bug(
        "rejects-of-corrections-count-again",
        "shared/ingest/publishing/completion.py",
        "    if work.corrects is None:\n        return totals.count_rejected",
        "    if True:\n        return totals.count_rejected",
        (f"{FIGURES}test_a_corrected_record_is_no_longer_rejected",),
    ),
    Bug(
        "each-reason-is-a-rejected-record",
        TOTALS,
        "FROM rejects WHERE upload_number = %(number)s AND position = 0 GROUP BY code",
        "FROM rejects WHERE upload_number = %(number)s GROUP BY code",
        (f"{FIGURES}test_what_a_file_becomes",),
    ),
    Bug(
        "corrections-are-loads-of-their-own",
        f"{STATEMENTS}/figures.py",
        "Upload.state == UploadState.COMPLETED, Upload.corrects.is_(None)),",
        "Upload.state == UploadState.COMPLETED),",
        (f"{FIGURES}test_a_corrected_record_is_no_longer_rejected",),
    ),
    Bug(
        "the-best-of-a-large-cell-are-those-of-all-genres",
        f"{STATEMENTS}/genre_report.py",
        "        .where(_has(genre, movies.genres), _is_of(",
        "        .where(_is_of(",
        (f"{GENRES}test_both_ways_find_the_same_movies",),
    ),
    Bug(
        "genres-of-every-tenant",
        f"{STATEMENTS}/breakdowns.py",
        "        CollectionTotal.tenant == tenant,\n",
        "",
        (f"{TENANTS}test_a_statement_finds_nothing_of_another_tenant",),
    ),
    Bug(
        "genres-only-as-files-spell-them",
        f"{STATEMENTS}/breakdowns.py",
        "func.lower(value) == func.lower(name)",
        "value == name",
        (f"{GENRES}test_case_makes_no_difference_where_no_file_spells_it_so",),
    ),
    Bug(
        "another-spelling-of-a-genre-that-there-is",
        f"{STATEMENTS}/breakdowns.py",
        "order = ((alike.c.name == name).desc(), movies.desc()",
        "order = (movies.desc()",
        (f"{GENRES}test_case_makes_no_difference_where_no_file_spells_it_so",),
    ),
)
