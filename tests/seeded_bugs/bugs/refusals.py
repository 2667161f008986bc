"""What is not valid is refused, as early as possible and at little cost."""

from typing import Final

from tests.seeded_bugs import Bug

PARAMETERS: Final = "tests/system/api/test_parameters.py::"
STORED_KEYS: Final = "tests/integration/keys/test_api_keys.py::"
COMMANDS: Final = "tests/system/cli/test_keys.py::"
ADMINISTRATION: Final = "shared/keys/administration.py"

BUGS: Final = (
    Bug(
        "all-unknown-parameters-are-listed",
        "api/description/strict_parameters.py",
        "for where, name, code in wrong[:MOST_LISTED]\n",
        "for where, name, code in wrong\n",
        (f"{PARAMETERS}test_of_very_many_unknown_parameters_the_first_are_told",),
    ),
    Bug(
        "all-unknown-parameters-are-compared",
        "api/description/strict_parameters.py",
        "for where, name, code in wrong[:MOST_LISTED]\n        ]",
        "for where, name, code in wrong\n        ][:MOST_LISTED]",
        (f"{PARAMETERS}test_very_many_unknown_parameters_cost_little",),
    ),
    Bug(
        "one-mistake-more-is-not-mentioned",
        "api/description/problem_locations.py",
        "if count <= 0:",
        "if count <= 1:",
        (f"{PARAMETERS}test_ten_unknown_parameters_are_all_there_are",),
    ),
    Bug(
        "all-wrong-values-are-listed",
        "api/description/problems.py",
        "for item in found[:MOST_LISTED]\n",
        "for item in found\n",
        (f"{PARAMETERS}test_of_very_many_values_that_cannot_be_the_first_are_told",),
    ),
    Bug(
        "some-routes-take-any-tenant",
        "api/main.py",
        "rows.router, changes.router, tenants.router),\n)\nROUTERS = (*OF_TENANTS, ",
        "),\n)\nROUTERS = (*OF_TENANTS, rows.router, changes.router, tenants.router, ",
        ("tests/system/api/test_keys.py::test_no_route_ignores_whom_and_what_it_is_asked_for",),
    ),
    Bug(
        "a-cursor-to-the-last-page-is-taken",
        "api/listings/paging.py",
        "if cursor.page == _LAST_PAGE or not",
        "if not",
        ("tests/system/api/test_movies.py::test_a_malformed_cursor_is_a_clear_error",),
    ),
    Bug(
        "keys-that-are-dead-at-birth",
        ADMINISTRATION,
        "not timedelta(0) < lifetime <=",
        "not timedelta(0) <= lifetime <=",
        (f"{STORED_KEYS}test_no_span_of_time_is_beyond_reason",),
    ),
    Bug(
        "lifetimes-without-end",
        ADMINISTRATION,
        "not timedelta(0) < lifetime <= LONGEST_SPAN:",
        "not timedelta(0) < lifetime:",
        (f"{STORED_KEYS}test_no_span_of_time_is_beyond_reason",),
    ),
    Bug(
        "overlaps-without-end",
        ADMINISTRATION,
        "not timedelta(0) <= overlap <= LONGEST_SPAN:",
        "not timedelta(0) <= overlap:",
        (f"{STORED_KEYS}test_no_span_of_time_is_beyond_reason",),
    ),
    Bug(
        "overlaps-that-end-before-they-begin",
        ADMINISTRATION,
        "not timedelta(0) <= overlap <= LONGEST_SPAN:",
        "overlap > LONGEST_SPAN:",
        (f"{STORED_KEYS}test_no_span_of_time_is_beyond_reason",),
    ),
    Bug(
        "names-without-end",
        ADMINISTRATION,
        "if len(name) > _LONGEST_NAME:",
        "if not name:",
        (f"{STORED_KEYS}test_a_name_has_an_end",),
    ),
    Bug(
        "any-id-is-looked-up",
        ADMINISTRATION,
        '"[0-9A-Za-z]{1,100}", key_id)',
        '".*", key_id, re.DOTALL)',
        (f"{STORED_KEYS}test_an_id_that_cannot_be_asks_nothing",),
    ),
    Bug(
        "spans-that-python-cannot-hold",
        "cli/keys.py",
        "    except OverflowError:",
        "    except ZeroDivisionError:",
        (f"{COMMANDS}test_what_cannot_be_is_said_in_a_line",),
    ),
    Bug(
        "spans-that-are-no-number",
        "cli/keys.py",
        "if math.isnan(count):",
        "if math.isinf(count) and math.isnan(count):",
        (f"{COMMANDS}test_what_cannot_be_is_said_in_a_line",),
    ),
    Bug(
        "what-cannot-be-looks-like-bad-luck",
        "cli/owner_database.py",
        "WRONG_USAGE if is_wrong else FAILED",
        "FAILED if is_wrong else FAILED",
        (f"{COMMANDS}test_what_cannot_be_is_said_in_a_line",),
    ),
)
