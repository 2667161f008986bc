"""Words in the vocabulary, and what a mistyped one is taken for."""

from typing import Final

from tests.seeded_bugs import Bug

MISSPELLING: Final = "shared/catalog/misspelling.py"
FILLING: Final = "shared/ingest/words/filling.py"
FILLER: Final = "shared/ingest/words/filler.py"
ENGINE: Final = "api/search/postgres.py"
OF_VOCABULARY: Final = "tests/integration/ingest/test_vocabulary.py::"
OF_SPELLING: Final = "tests/integration/browsing/test_spelling.py::"

BUGS: Final = (
    Bug(
        "two-letters-in-the-wrong-order-are-two-mistakes",
        MISSPELLING,
        "    yield from (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in ends[:-1])\n",
        "",
        ("tests/unit/catalog/test_misspelling.py::test_the_word_is_one_mistake_away[godfahter-godfather]",),
    ),
    Bug(
        "words-of-every-tenant-correct",
        "shared/database/queries/search/vocabulary.py",
        'return Word.tenant == bindparam("tenant", tenant, literal_execute=True)',
        "return Word.tenant != literal(tenant) + literal('-')",
        ("tests/integration/browsing/test_search_statements.py::test_a_statement_finds_nothing_of_another_tenant",),
    ),
    Bug(
        "a-correction-is-not-told",
        ENGINE,
        "return Found(hits, len(ranked), is_exact and not unindexed, corrected if ranked else None)",
        "return Found(hits, len(ranked), is_exact and not unindexed)",
        (f"{OF_SPELLING}test_what_is_found_instead[18-godfahter-godfather-The Godfather]",),
    ),
    Bug(
        "a-correction-is-told-although-nothing-is-found",
        ENGINE,
        "corrected if ranked else None",
        "corrected",
        (f"{OF_SPELLING}test_a_word_without_rows_leads_to_nothing",),
    ),
    Bug(
        "words-of-superseded-rows-are-left-out",
        FILLING,
        "sources = branch, superseded_branch(table.name, branch), history_name(table.name)",
        "sources = (branch,)",
        (f"{OF_VOCABULARY}test_words_of_superseded_rows_are_known_when_these_come_back",),
    ),
    Bug(
        "words-of-corrected-rows-are-left-out",
        FILLING,
        "coalesce(upload.corrects, upload.number)",
        "upload.number",
        (f"{OF_VOCABULARY}test_whatever_changes_titles_adds_words",),
    ),
    Bug(
        "a-chunk-leaves-a-row-out",
        FILLING,
        "version=done, next_id=high)",
        "version=done, next_id=high + 1)",
        (f"{OF_VOCABULARY}test_it_goes_on_where_the_last_chunk_ended",),
    ),
    Bug(
        "the-vocabulary-does-not-wait-for-loads",
        FILLER,
        "not is_loading(connection) and ",
        "",
        (f"{OF_VOCABULARY}test_it_rests_while_an_upload_waits",),
    ),
    Bug(
        "every-process-fills-the-vocabulary",
        FILLER,
        "pg_try_advisory_xact_lock(7305514)",
        "pg_try_advisory_xact_lock_shared(7305515)",
        (f"{OF_VOCABULARY}test_one_process_fills_at_a_time",),
    ),
)
