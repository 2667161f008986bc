"""What kept sums say of a listing's collections: where to look, how many movies are likely."""

import pytest

from shared.database.models import ROWS
from shared.database.queries.browsing.kept_movie_counts import Kept
from shared.database.queries.browsing.listing import Listing

HELD = {"1": 1_000, "2": 500, "3": 10}


def kept(voted: dict[str, int], **counts: dict[str, int]) -> Kept:
    return Kept(HELD, voted, counts, is_rated=True, datasets={})


def test_a_listing_is_of_the_collections_that_have_movies_for_each_filter() -> None:
    found = kept({}, genre={"1": 500, "2": 100}, country={"2": 50, "3": 10})
    assert found.told(Listing("public")).collections == (2,)
    assert (found.most, round(found.likely)) == (50, 10)
    assert kept({}, rows=HELD).told(Listing("public")).collections is None


def test_filters_that_no_collection_has_both_of_leave_nothing() -> None:
    found = kept({}, genre={"1": 500}, country={"2": 50})
    assert (found.collections, found.most, found.likely) == ([], 0, 0)


def test_how_many_are_likely_is_summed_over_collections() -> None:
    """Half of the first one, and a fifth of the second."""
    assert kept({}, genre={"1": 500, "2": 100}).likely == pytest.approx(600)
    assert kept({}, genre={"1": 500, "2": 100}, title_type={"1": 1_000, "2": 10}).likely == pytest.approx(502)


def test_only_collections_that_lack_votes_need_ratings() -> None:
    listing = Listing("public", sort_by="popularity")
    told = kept({"2": 500, "3": 9}, rows=HELD).told(listing)
    assert (told.is_rated, told.unvoted, told.is_joined) == (True, (1, 3), True)
    told = kept({"2": 500, "3": 9}, country={"2": 50}).told(listing)
    assert (told.is_rated, told.is_joined) == (False, False)
    assert kept({}, rows=HELD).told(listing).unvoted is None


def test_an_order_has_the_movies_of_its_range() -> None:
    found = kept({}, **{ROWS: {"1": 100, "2": 50}, "title_type": {"1": 30}})
    assert found.in_range(Listing("public")) == 100
    assert found.in_range(Listing("public", sort_by="title")) == 30
    assert found.in_range(Listing("public", sort_by="runtime")) == 1_000
