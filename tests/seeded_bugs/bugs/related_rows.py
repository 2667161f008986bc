"""What belongs to a movie or a person, and reports: whose ids are compared, what is counted, where it ends."""

from typing import Final

from tests.seeded_bugs import Bug

PUBLISHER: Final = "shared/catalog/publisher.py"
PUBLICATIONS: Final = "shared/database/queries/browsing/publications.py"
PEOPLE: Final = "shared/database/queries/browsing/people.py"
SERIES: Final = "shared/database/queries/browsing/series.py"
DETAILS: Final = "api/browsing/movie_details.py"
CREDITS: Final = "api/browsing/credits.py"
REPORT: Final = "api/browsing/series_report.py"
TREE: Final = "api/browsing/report_tree.py"

OF_DETAILS: Final = "tests/integration/browsing/test_movie_details.py::"
OF_PEOPLE: Final = "tests/integration/browsing/test_people.py::"
OF_REPORT: Final = "tests/integration/browsing/test_series_report.py::"
OF_TENANTS: Final = "tests/integration/database/test_tenant_filters.py::"
OF_TREE: Final = "tests/unit/api/test_report_tree.py::"

BUGS: Final = (
    # -- whose ids are compared
    Bug(
        "equal-numbers-are-the-same-film",
        PUBLISHER,
        " else of_dataset",
        " else Publisher.TMDB",
        (f"{OF_DETAILS}test_equal_numbers_of_other_publishers_are_other_films",),
    ),
    Bug(
        "ids-of-imdbs-in-other-files-are-unknown",
        PUBLISHER,
        "Publisher.IMDB if _TCONST.fullmatch(source_id) else of_dataset",
        "of_dataset",
        (f"{OF_DETAILS}test_an_id_of_imdbs_is_one_in_any_file",),
    ),
    Bug(
        "rows-of-every-tenant-belong-together",
        PUBLICATIONS,
        "return [is_of_tenant, ",
        "return [",
        (f"{OF_TENANTS}test_browsing_finds_nothing_of_another_tenant",),
    ),
    # -- a movie
    Bug(
        "a-file-of-ratings-comes-first",
        DETAILS,
        'if movie["vote_average"] is not None or movie["vote_count"] is not None:',
        "if not where.has(RATINGS):",
        (f"{OF_DETAILS}test_ratings_of_its_own_file_come_first",),
    ),
    Bug(
        "titles-without-credits-have-nobody",
        CREDITS,
        "    if not roles:",
        "    if total:",
        (
            f"{OF_DETAILS}test_a_title_without_credits_has_those_of_its_crew",
            f"{OF_DETAILS}test_a_film_of_tmdbs_has_the_names_of_its_crew",
        ),
    ),
    # -- people
    Bug(
        "a-person-on-two-pages",
        PEOPLE,
        "        return here > person_id\n",
        "        return here >= person_id\n",
        (f"{OF_PEOPLE}test_each_person_is_on_one_page",),
    ),
    Bug(
        "people-of-a-year-are-counted-as-all",
        PEOPLE,
        "        of_value.append(CollectionTotal.facets[facet].astext == value)\n",
        "        pass\n",
        (f"{OF_PEOPLE}test_each_person_is_on_one_page",),
    ),
    Bug(
        "people-with-a-profession-of-any-year",
        PEOPLE,
        "        yield people.birth_year == listing.birth_year\n",
        "        yield people.birth_year == people.birth_year\n",
        (f"{OF_PEOPLE}test_people_are_found_by_name_and_profession",),
    ),
    # -- reports
    Bug(
        "a-series-is-its-own-episode",
        REPORT,
        "if row.source_id != root and ",
        "if ",
        (f"{OF_REPORT}test_dirty_data_comes_to_an_end",),
    ),
    Bug(
        "a-cycle-of-episodes-never-ends",
        SERIES,
        "found.union(",
        "found.union_all(",
        (f"{OF_REPORT}test_dirty_data_comes_to_an_end",),
    ),
    Bug(
        "episodes-of-episodes-are-left-out",
        SERIES,
        "columns.series_id == found.c.source_id",
        "columns.series_id == found.c.series_id",
        (f"{OF_REPORT}test_dirty_data_comes_to_an_end",),
    ),
    Bug(
        "every-episode-weighs-the-same",
        REPORT,
        "average * count for average, count in rated",
        "average * weight / len(rated) for average, _ in rated",
        (f"{OF_REPORT}test_sums_are_those_of_a_model",),
    ),
    Bug(
        "a-slash-in-a-key-is-a-level",
        TREE,
        ".replace('/', '~1')",
        "",
        (f"{OF_TREE}test_the_file_has_a_record_for_each_node_with_its_path",),
    ),
)
