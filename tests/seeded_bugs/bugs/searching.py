"""Words that rows keep, and what a search finds by them."""

from typing import Final

from tests.seeded_bugs import Bug

WORDS: Final = "shared/catalog/search_words.py"
TITLES: Final = "shared/database/queries/search/titles.py"
ENGINE: Final = "api/search/postgres.py"
OF_WORDS: Final = "tests/unit/catalog/test_search_words.py::"
OF_SEARCH: Final = "tests/system/api/test_search.py::"
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
        "words-of-overviews-are-words-of-titles",
        WORDS,
        'OVERVIEW_MARK: Final = "~"',
        'OVERVIEW_MARK: Final = ""',
        (f"{OF_WORDS}test_an_overview_has_words_of_its_own_without_those_that_all_have",),
    ),
    Bug(
        "a-search-finds-titles-of-every-tenant",
        TITLES,
        "    found = select(*_CANDIDATE).where(of_tenant(TABLE, tenant))\n",
        "    found = select(*_CANDIDATE)\n",
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
        'best = _EXACT if row["title_key"] == query.key else rank',
        "best = _NAME if rank == _EXACT else rank",
        (f"{OF_SEARCH}test_what_is_found_and_in_which_order[matrix-expected0]",),
    ),
)
