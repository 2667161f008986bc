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
        "        is_latest(ratings.c, rated.c, listing.tenant),\n",
        "",
        (EACH_WAY,),
        also=(("    is_latest,\n", ""),),
    ),
    Bug(
        "ratings-replace-own-votes",
        f"{BROWSING}bounded_scans.py",
        "        has_no_own_votes(rated.c),\n",
        "",
        (EACH_WAY,),
    ),
    Bug(
        "a-page-of-the-first-entries-only",
        "api/browsing/movie_listing.py",
        "        if not is_over:\n            return rows, False\n",
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
        "a-listing-trusts-in-statistics",
        f"{BROWSING}bounded_scans.py",
        ".offset(0)",
        "",
        ("tests/integration/browsing/test_new_collections.py::test_a_listing_joins_ratings_by_the_key",),
    ),
    Bug(
        "a-page-that-the-nearer-order-fills",
        "api/browsing/movie_listing.py",
        "    if bound is None or not listing.is_joined:\n        return True\n",
        "    return True\n",
        (f"{LISTING}test_a_short_page_is_the_beginning_of_both_orders",),
    ),
    Bug(
        "the-entries-of-the-order-that-fills-the-page",
        f"{BROWSING}bounded_scans.py",
        "entries = _ratings if position == movie_id else _entries_with_key",
        "entries = _entries_with_key if position == movie_id else _ratings",
        (f"{LISTING}test_a_short_page_is_the_beginning_of_both_orders",),
    ),
    Bug(
        "many-rows-in-little-memory",
        "api/browsing/movie_listing.py",
        "    if not listing.filters.name_few:\n        await connection.execute(FOR_MANY_ROWS)\n",
        "",
        (f"{LISTING}test_all_that_pass_are_found_with_memory_for_them",),
    ),
    Bug(
        "least-votes-say-nothing-of-how-many",
        "api/browsing/movie_listing.py",
        "return await _count(connection, voted(listing, few + 1)) <= few",
        "return False",
        (f"{LISTING}test_few_with_so_many_votes_are_found_at_once",),
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
        "ratings-only-where-no-movie-lacks-votes",
        f"{BROWSING}kept_movie_counts.py",
        "self.voted.get(number, 0) < self.held[number]",
        "self.voted.get(number, 0) == self.held[number]",
        (EACH_WAY, "tests/unit/database/test_kept_movie_counts.py::test_only_collections_that_lack_votes_need_ratings"),
    ),
    Bug(
        "a-look-at-collections-without-the-country",
        f"{BROWSING}kept_movie_counts.py",
        "collections=None if len(chosen) == len(self.held) else _numbers(chosen)",
        "collections=None",
        (f"{LISTING}test_only_collections_with_the_country_are_looked_at",),
    ),
    Bug(
        "a-view-of-all-tenants",
        "migrations/versions/2026-12-14_tenant_views.py",
        "SELECT * FROM {table} WHERE {OF_TENANT}",
        "SELECT * FROM {table}",
        (f"{SECURITY}test_a_view_shows_the_tenants_rows_and_without_a_tenant_none",),
    ),
)
