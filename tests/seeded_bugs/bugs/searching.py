"""Words that rows keep, and what a search finds by them."""

from typing import Final

from tests.seeded_bugs import Bug

WORDS: Final = "shared/catalog/search_words.py"
TITLES: Final = "shared/database/queries/search/titles.py"
ENGINE: Final = "api/search/candidates.py"
OF_WORDS: Final = "tests/unit/catalog/test_search_words.py::"
OF_SEARCH: Final = "tests/system/api/test_search.py::"
OF_INDEXES: Final = "tests/integration/browsing/test_word_indexes.py::"
OF_STATEMENTS: Final = "tests/integration/browsing/test_search_statements.py::"

BUGS: Final = (
    Bug(
        "accents-count-in-a-search",
        WORDS,
        "any(code in accents for accents in _ACCENTS)",
        "False",
        (f"{OF_WORDS}test_words_without_case_accents_and_punctuation[Am\\xe9lie-amelie]",),
    ),
    Bug(
        "a-key-ends-with-a-space",
        WORDS,
        'return pc.utf8_rtrim(pc.utf8_slice_codeunits(words, 0, LONGEST_KEY), " ")',
        "return pc.utf8_slice_codeunits(words, 0, LONGEST_KEY)",
        (f"{OF_WORDS}test_the_database_takes_every_word",),
    ),
    Bug(
        "overviews-rank-as-titles",
        ENGINE,
        "titles.with_overview_words(asked.unindexed), _OVERVIEW",
        "titles.with_overview_words(asked.unindexed), _NAME",
        (f"{OF_SEARCH}test_an_overview_comes_after_titles",),
    ),
    Bug(
        "rows-without-an-index-of-words-are-looked-at",
        "shared/database/queries/search/unindexed.py",
        "        yield or_(ids < next(bounds), ids >= next(bounds))\n",
        "        yield or_(ids < next(bounds), ids >= 0)\n",
        (f"{OF_INDEXES}test_rows_without_an_index_of_words_are_not_looked_at[18]",),
    ),
    Bug(
        "the-index-of-words-does-not-give-way",
        "shared/ingest/words/word_indexes.py",
        "WHERE EXISTS (SELECT FROM pg_locks WHERE NOT granted",
        "WHERE EXISTS (SELECT FROM pg_locks WHERE false",
        (f"{OF_INDEXES}test_a_build_gives_way_to_who_changes_rows[18]",),
    ),
    Bug(
        "indexes-of-words-come-before-loads",
        "shared/ingest/words/word_indexes.py",
        "(not rests or waits_seconds > _PATIENCE_SECONDS)",
        "(not rests or waits_seconds > 0)",
        (f"{OF_INDEXES}test_loads_come_first_but_not_for_ever[18]",),
    ),
    Bug(
        "a-search-finds-titles-of-every-tenant",
        TITLES,
        "    found = select(*_CANDIDATE).where(of_tenant(TABLE), *outside(_MOVIES.id, unindexed))\n",
        "    found = select(*_CANDIDATE).where(*outside(_MOVIES.id, unindexed))\n",
        (f"{OF_STATEMENTS}test_a_statement_finds_nothing_of_another_tenant",),
    ),
    Bug(
        "votes-do-not-rank",
        ENGINE,
        "return self.rank, -self.votes, len(self.key), self.key, self.id",
        "return self.rank, 0, len(self.key), self.key, self.id",
        (f"{OF_SEARCH}test_what_is_found_and_in_which_order[audrey-expected12]",),
    ),
    Bug(
        "an-exact-title-ranks-like-any-other",
        ENGINE,
        '_EXACT if row["title_key"] == query.key else rank',
        "rank",
        (f"{OF_SEARCH}test_what_is_found_and_in_which_order[matrix-expected0]",),
    ),
    Bug(
        "well-known-movies-that-are-gone",
        "api/search/remembered.py",
        "if remembered is None or kept_version != version:",
        "if remembered is None:",
        (f"{OF_SEARCH}test_rows_are_found_as_soon_as_they_are_visible_and_as_long",),
    ),
    Bug(
        "a-search-trusts-in-statistics",
        TITLES,
        ".offset(0)",
        "",
        ("tests/integration/browsing/test_new_collections.py::test_a_search_joins_ratings_by_the_key",),
    ),
    Bug(
        "a-common-word-is-no-word-beside-others",
        ENGINE,
        "        if query.complete:\n            await add_found",
        "        if not query.complete:\n            await add_found",
        ("tests/integration/browsing/test_common_words.py::test_titles",),
    ),
    Bug(
        "a-list-that-is-cut-is-said-to-be-all",
        ENGINE,
        "    if await asked.is_common(titles.count_beginning(), own):\n        movies.is_complete = False\n",
        "    if await asked.is_common(titles.count_beginning(), own):\n",
        ("tests/integration/browsing/test_common_words.py::test_titles",),
    ),
)
