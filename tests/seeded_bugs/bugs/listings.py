"""Which movies a listing has, in which order, with which votes, and how many it says there are."""

from typing import Final

from tests.seeded_bugs import Bug

BROWSING: Final = "shared/database/queries/browsing/"
LISTING: Final = "tests/integration/browsing/test_movie_listing.py::"
SECURITY: Final = "tests/integration/database/test_row_security.py::"
EACH_WAY: Final = f"{LISTING}test_each_way_gives_each_filter_and_order"

BUGS: Final = (
    Bug(
        "a-movie-once-for-each-rating",
        f"{BROWSING}bounded_scans.py",
        "        is_latest(ratings.c, listing.tenant),\n",
        "",
        (EACH_WAY,),
        also=(("    is_latest,\n", ""),),
    ),
    Bug(
        "ratings-replace-own-votes",
        f"{BROWSING}bounded_scans.py",
        "        has_no_own_votes(MOVIES),\n",
        "",
        (EACH_WAY,),
    ),
    Bug(
        "a-page-of-the-first-entries-only",
        "api/browsing/movie_listing.py",
        "        if not is_over:\n            return None\n",
        "",
        (EACH_WAY,),
    ),
    Bug(
        "a-lower-bound-that-is-said-to-be-exact",
        "api/browsing/movie_listing.py",
        "Total(max(found, shown), is_exact=False)",
        "Total(max(found, shown))",
        (f"{LISTING}test_the_bounds_matter",),
    ),
    Bug(
        "words-and-lists-under-policies",
        f"{BROWSING}collected_movies.py",
        "_FOUND: Final = tenant_view(TABLE).c",
        "_FOUND: Final = sql_table(TABLE).c",
        (f"{LISTING}test_words_and_lists_are_found_by_an_index",),
        also=(("import tenant_view", "import sql_table"),),
    ),
    Bug(
        "a-view-of-all-tenants",
        "migrations/versions/2026-12-14_tenant_views.py",
        "SELECT * FROM {table} WHERE {OF_TENANT}",
        "SELECT * FROM {table}",
        (f"{SECURITY}test_a_view_shows_the_tenants_rows_and_without_a_tenant_none",),
    ),
)
