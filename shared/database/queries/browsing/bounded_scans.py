"""The listing of movies where the index of the order does not have all filters: so many of its entries are looked at.

The entries come in order, from a subquery with a LIMIT, and the other conditions judge them: so the planner cannot
choose another index, and a page costs no more than the bound, whatever the data. If that was not enough, the caller
sees it by the number of entries, or by the last ones, and takes `collected_movies`.

A movie without votes of its own has those of `ratings`. Then the first segment is merged of two orders: the movies with
votes, and the ratings, each joined to its movies. `position` is the id of the row that has the sort key, a movie or a
rating; no two rows of the platform have the same id, so (sort_key, position, id) is one order of both.
"""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    UnaryExpression,
    bindparam,
    case,
    func,
    literal,
    not_,
    select,
    true,
    tuple_,
)

from shared.database.queries.browsing.joined_ratings import (
    RATINGS,
    has_no_own_votes,
    is_latest,
    joined,
    of_tenant,
)
from shared.database.queries.browsing.listing import (
    MOVIES,
    Listing,
    beyond_range,
    in_range,
    of_collections,
    of_unvoted,
)
from shared.database.queries.kept_rows import Columns, first_of
from shared.database.timing.statement_names import named

# Sort key, position and id of the movie before the page.
Position = tuple[Any, int, int]

SORT_KEY: Final = "sort_key"
POSITION: Final = "position"


@named
def with_key(listing: Listing, after: Position | None, limit: int, offset: int, bound: int | None) -> Select[Any]:
    """First segment: the movies after `after`, among the next `bound` entries, or among all."""
    parts = [_own(listing, after, bound)]
    if listing.is_joined:
        parts.append(_rated(listing, after, bound))
    if len(parts) == 1:
        return _page(parts[0], limit, offset)
    return first_of(
        [_limited(part, "limit", limit + offset) for part in parts],
        lambda columns: ordered(listing, columns),
        limit,
        offset,
    )


@named
def without_key(listing: Listing, after_id: int | None, limit: int, offset: int, bound: int | None) -> Select[Any]:
    """Second segment: the movies after `after_id`, in the same way."""
    entries = _entries_without_key(listing, after_id, bound)
    conditions = beyond_range(listing, entries.c)
    if listing.is_joined:
        key = joined(entries.c, listing.tenant, listing.sort_name)
        conditions.append(not_(has_no_own_votes(entries.c) & key.is_not(None)))
    statement = select(entries).where(*conditions).order_by(*_directed(listing, entries.c[SORT_KEY], entries.c.id))
    return _page(statement, limit, offset)


@named
def count_with_key(listing: Listing, at_most: int, bound: int | None) -> Select[int]:
    """The length of the first segment; it counts up to `at_most`."""
    found = with_key(listing, None, at_most, 0, bound).subquery("found")
    return select(func.count()).select_from(found)


@named
def entries_with_key(listing: Listing, after: Position | None, at_most: int) -> Select[int]:
    """How many entries `with_key` may look at, of the order that has more of them; it counts up to `at_most`."""
    counts = [_count(_entries_with_key(listing, after, at_most))]
    if listing.is_joined:
        counts.append(_count(_ratings(listing, after, at_most)))
    return select(func.greatest(*counts))


@named
def entries_of_other_order(listing: Listing, after: Position | None, at_most: int, until: Position) -> Select[int]:
    """How many entries up to a row of `with_key` the order has that the row is not of; it counts up to `at_most`.

    `until`: the row's position, in a listing that is joined.
    """
    _, position, movie_id = until
    entries = _ratings if position == movie_id else _entries_with_key
    return select(_count(entries(listing, after, at_most, until)))


@named
def entries_without_key(listing: Listing, after_id: int | None, bound: int) -> Select[int]:
    """How many entries `without_key` may look at."""
    return select(_count(_entries_without_key(listing, after_id, bound)))


@named
def counted(listing: Listing, bound: int) -> Select[*tuple[Any, ...]]:
    """`found` of the `seen` movies: of all, or of any `bound` of them."""
    columns = [MOVIES[each.name] for each in MOVIES]
    seen = _limited(select(*columns).where(*in_range(listing, MOVIES)), "bound", bound).subquery("seen")
    conditions = beyond_range(listing, seen.c)
    found = func.count().filter(*conditions) if conditions else func.count()
    return select(found.label("found"), func.count().label("seen")).select_from(seen)


@named
def voted(listing: Listing, at_most: int) -> Select[int]:
    """How many movies, and ratings that are taken, have the least votes of the filter, or at least `at_most`.

    Each is counted up to there, and movies, which have longer rows, only if ratings are fewer. In the order of votes,
    because the planner expects so many of them that it would read the tables otherwise.
    """
    least = listing.filters.min_votes
    own = of_tenant(MOVIES, listing.tenant), *of_collections(listing, MOVIES), MOVIES.vote_count >= least
    movies = _count(_limited(select(MOVIES.id).where(*own).order_by(MOVIES.vote_count), "at_most", at_most).subquery())
    if not listing.is_rated:
        return select(movies)
    rated = select(RATINGS.c.id).where(of_tenant(RATINGS.c, listing.tenant), RATINGS.c.vote_count >= least)
    ratings = _limited(rated.order_by(RATINGS.c.vote_count), "at_most", at_most).subquery()
    counted = select(func.count().label("ratings")).select_from(ratings).subquery().c.ratings
    return select(case((counted < at_most, counted + movies), else_=counted))


def ordered(listing: Listing, columns: Columns) -> list[UnaryExpression[Any]]:
    """The order of the first segment."""
    return _directed(listing, columns[SORT_KEY], columns[POSITION], columns.id)


def is_behind(listing: Listing, here: Any, there: Any) -> ColumnElement[bool]:
    """Whether a row is behind a position; both are tuples."""
    found: ColumnElement[bool] = here < there if listing.is_descending else here > there
    return found


def _is_not_behind(listing: Listing, here: Any, there: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = here >= there if listing.is_descending else here <= there
    return found


def _own(listing: Listing, after: Position | None, bound: int | None) -> Select[Any]:
    """A movie that has the key needs no rating."""
    entries = _entries_with_key(listing, after, bound)
    columns = entries.c
    conditions = beyond_range(replace(listing, is_rated=listing.is_rated and not listing.is_joined), columns)
    return select(entries).where(*conditions).order_by(*ordered(listing, columns))


def _rated(listing: Listing, after: Position | None, bound: int | None) -> Select[Any]:
    """The votes are those of the rating, so no movie is looked up of one that has too few."""
    ratings = _ratings(listing, after, bound)
    rated = _movies_of(listing, ratings.c.source_id)
    keys = ratings.c[SORT_KEY], ratings.c.id.label(POSITION)
    least, others = listing.filters.min_votes, replace(listing, filters=replace(listing.filters, min_votes=None))
    conditions = [
        *([] if least is None else [ratings.c.vote_count >= least]),
        *in_range(others, rated.c),
        *beyond_range(others, rated.c),
        has_no_own_votes(rated.c),
        is_latest(ratings.c, rated.c, listing.tenant),
    ]
    if after is not None:
        here = tuple_(*ratings.c[SORT_KEY, "id"], rated.c.id)
        conditions.append(is_behind(listing, here, _values(ratings.c[SORT_KEY], after)))
    statement = select(*(rated.c[each.name] for each in MOVIES), *keys).select_from(ratings.join(rated, true()))
    return statement.where(*conditions).order_by(*_directed(listing, *ratings.c[SORT_KEY, "id"], rated.c.id))


def _movies_of(listing: Listing, source_id: ColumnElement[Any]) -> FromClause:
    """The movies with an id in the source, for each row of a join: by the index of the key and in no other way.

    OFFSET keeps the planner from choosing another index or another join, which it does where it has no statistics yet.
    """
    of_source = of_tenant(MOVIES, listing.tenant), *of_unvoted(listing, MOVIES), MOVIES.source_id == source_id
    return select(*(MOVIES[each.name] for each in MOVIES)).where(*of_source).offset(0).lateral()


def _entries_with_key(
    listing: Listing, after: Position | None, bound: int | None, until: Position | None = None
) -> Subquery:
    key = MOVIES[listing.sort_name]
    statement = _movies(listing).where(*in_range(listing, MOVIES), key.is_not(None), *_least(listing, key))
    if after is not None:
        statement = statement.where(is_behind(listing, tuple_(key, MOVIES.id), _values(key, after[:2])))
    if until is not None:
        statement = statement.where(_is_not_behind(listing, tuple_(key, MOVIES.id), _values(key, until[:2])))
    return _bounded(statement.order_by(*_directed(listing, key, MOVIES.id)), bound)


def _entries_without_key(listing: Listing, after_id: int | None, bound: int | None) -> Subquery:
    key = MOVIES[listing.sort_name]
    statement = _movies(listing).where(*in_range(listing, MOVIES), key.is_(None))
    if after_id is not None:
        statement = statement.where(is_behind(listing, MOVIES.id, literal(after_id)))
    # The key is part of the order, although it is always null: only then does the planner see the index's order.
    return _bounded(statement.order_by(*_directed(listing, key, MOVIES.id)), bound)


def _ratings(listing: Listing, after: Position | None, bound: int | None, until: Position | None = None) -> Subquery:
    columns = RATINGS.c
    key = columns[listing.sort_name]
    statement = select(columns.id, columns.source_id, columns.vote_count, key.label(SORT_KEY))
    statement = statement.where(of_tenant(columns, listing.tenant), key.is_not(None), *_least(listing, key))
    if after is not None:
        here, there = tuple_(key, columns.id), _values(key, after[:2])
        statement = statement.where(here <= there if listing.is_descending else here >= there)
    if until is not None:
        statement = statement.where(_is_not_behind(listing, tuple_(key, columns.id), _values(key, until[:2])))
    return _bounded(statement.order_by(*_directed(listing, key, columns.id)), bound)


def _least(listing: Listing, key: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Of popularity, the least votes are the end of the range."""
    least = listing.filters.min_votes
    return [key >= least] if listing.sort_by == "popularity" and least is not None else []


def _movies(listing: Listing) -> Select[Any]:
    keys = MOVIES[listing.sort_name].label(SORT_KEY), MOVIES.id.label(POSITION)
    return select(*(MOVIES[each.name] for each in MOVIES), *keys)


def _values(key: ColumnElement[Any], after: tuple[Any, ...]) -> Any:
    value, *ids = after
    return tuple_(bindparam(None, value, key.type), *ids)


def _bounded(statement: Select[Any], bound: int | None) -> Subquery:
    return (statement if bound is None else _limited(statement, "bound", bound)).subquery()


def _page(statement: Select[Any], limit: int, offset: int) -> Select[Any]:
    if offset:
        statement = statement.offset(bindparam("offset", offset, Integer, literal_execute=True))
    return _limited(statement, "limit", limit)


def _limited(statement: Select[Any], name: str, limit: int) -> Select[Any]:
    return statement.limit(bindparam(name, limit, Integer, literal_execute=True))


def _count(entries: Subquery) -> Any:
    return select(func.count()).select_from(entries).scalar_subquery()


def _directed(listing: Listing, *columns: ColumnElement[Any]) -> list[UnaryExpression[Any]]:
    return [column.desc() if listing.is_descending else column.asc() for column in columns]
