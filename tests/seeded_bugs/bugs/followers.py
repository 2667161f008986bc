"""What those who follow a dataset are told, and what those who look back see."""

from typing import Final

from tests.seeded_bugs import Bug

FOLLOWERS: Final = "tests/integration/ingest/test_followers.py::"
FEED: Final = "api/listings/feed.py"
UNDOING: Final = "shared/ingest/lifecycle/undoing.py"
MOMENTS: Final = "shared/database/queries/moments.py"

BUGS: Final = (
    Bug(
        "followers-keep-what-was-undone",
        UNDOING,
        "    touches = None if is_listed(table, mode, counts) and not is_manual else version\n",
        "    touches = None\n",
        (f"{FOLLOWERS}test_followers_are_told_what_is_gone",),
    ),
    Bug(
        "followers-lack-what-an-undo-brings-back",
        UNDOING,
        "        touch_replaced(plain, collection, version, number)",
        "        pass",
        (f"{FOLLOWERS}test_rows_without_a_key_are_named_by_their_ids",),
    ),
    Bug(
        "followers-lack-corrected-records",
        "shared/ingest/corrections/correction_loading.py",
        ' AS joined", ids=ids)',
        ' AS joined WHERE false", ids=ids)',
        (f"{FOLLOWERS}test_followers_are_told_of_corrections",),
    ),
    Bug(
        "the-feed-passes-what-is-not-listed",
        FEED,
        "        return not version.is_unlisted",
        "        return True",
        (f"{FOLLOWERS}test_the_feed_waits_until_the_rows_of_an_undone_upload_are_listed",),
    ),
    Bug(
        "the-feed-passes-what-is-not-counted",
        FEED,
        "    return is_counted or version.change != Change.PUBLISHED",
        "    return True",
        (f"{FOLLOWERS}test_the_feed_waits_until_the_changes_of_what_has_replaced_are_counted",),
    ),
    Bug(
        "a-page-of-the-feed-skips-the-rest-of-a-list",
        FEED,
        "            if (source.kind, source.number) < (begun",
        "            if (source.kind, source.number) <= (begun",
        (f"{FOLLOWERS}test_each_page_goes_on_where_the_one_before_has_ended",),
    ),
    Bug(
        "a-cursor-of-before-the-pruning-is-taken",
        FEED,
        " or (collection and reached.version <= pruned and since is not None):",
        ":",
        (f"{FOLLOWERS}test_a_cursor_of_before_the_pruning_is_refused",),
    ),
    Bug(
        "a-look-back-shows-later-uploads",
        MOMENTS,
        "        was_there = [first_id != all_(cast(later.first_ids, _BIGINTS)), *_outside(source, later)]\n",
        "        was_there: list[ColumnElement[bool]] = []\n",
        (f"{FOLLOWERS}test_those_who_look_back_see_what_was_there",),
    ),
    Bug(
        "a-look-back-lacks-superseded-rows",
        MOMENTS,
        "source.superseded_by == any_(cast(later.numbers, _BIGINTS))",
        "source.superseded_by.is_(None)",
        (f"{FOLLOWERS}test_those_who_look_back_see_what_was_there",),
    ),
    Bug(
        "a-look-back-beyond-an-undo",
        MOMENTS,
        "    return version.is_pruned or (version.change != Change.PUBLISHED and is_of_before)",
        "    return version.is_pruned and is_of_before",
        (f"{FOLLOWERS}test_what_was_there_is_not_known_once_something_of_before_was_undone",),
    ),
    Bug(
        "a-look-back-beyond-the-pruning",
        MOMENTS,
        "    return version.is_pruned or (",
        "    return (",
        (f"{FOLLOWERS}test_what_was_there_is_not_known_once_it_is_pruned",),
    ),
)
