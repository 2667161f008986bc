"""How many statements a request sends, and what the log tells of them."""

from typing import Final

from tests.seeded_bugs import Bug

TIMING: Final = "shared/database/timing"
TIMES: Final = "tests/integration/database/test_query_times.py::"
ROUTES: Final = "tests/system/api/test_query_times.py::"

BUGS: Final = (
    Bug(
        "names-of-people-are-asked-for-one-by-one",
        "api/browsing/credits.py",
        "row for row in await connection.execute(people_by_source(where, sorted(wanted)))",
        "row for each in sorted(wanted) for row in await connection.execute(people_by_source(where, [each]))",
        (f"{ROUTES}test_the_number_of_statements_does_not_grow_with_the_rows[/movies/{{movie_id}}-]",),
    ),
    Bug(
        "query-plans-quote-conditions",
        f"{TIMING}/plan_shapes.py",
        '"Index Name": " using {}",',
        '"Index Name": " using {}", "Index Cond": " where {}",',
        (f"{TIMES}test_a_plan_names_nodes_tables_and_indexes_and_no_value",),
    ),
    Bug(
        "a-slow-statement-runs-again",
        f"{TIMING}/plan_shapes.py",
        "EXPLAIN (FORMAT JSON)",
        "EXPLAIN (ANALYZE, FORMAT JSON)",
        (f"{TIMES}test_what_was_written_is_planned_as_well_and_not_run_again",),
    ),
    Bug(
        "a-query-plan-of-another-transaction",
        f"{TIMING}/plan_shapes.py",
        "(*origin.settings, ",
        "(",
        (f"{TIMES}test_a_plan_names_nodes_tables_and_indexes_and_no_value",),
        also=(('plan_cache_mode = force_generic_plan"):', 'plan_cache_mode = force_generic_plan",):'),),
    ),
    Bug(
        "each-slow-statement-is-planned",
        f"{TIMING}/slow_queries.py",
        "_PLAN_INTERVAL_SECONDS: Final = 60.0",
        "_PLAN_INTERVAL_SECONDS: Final = 0.0",
        (f"{TIMES}test_a_plan_is_asked_for_once_a_minute_for_each_name",),
    ),
    Bug(
        "statements-that-fail-take-no-time",
        f"{TIMING}/query_times.py",
        '    event.listen(engine, "handle_error", _fail)\n',
        "",
        (f"{TIMES}test_a_statement_that_fails_is_measured_with_its_state",),
    ),
    Bug(
        "slow-clients-make-slow-exports",
        f"{TIMING}/query_times.py",
        "self._started += time.perf_counter() - began",
        "self._started += 0 * began",
        ("tests/unit/database/test_stopwatch.py::test_it_stands_still_while_it_is_paused",),
    ),
)
