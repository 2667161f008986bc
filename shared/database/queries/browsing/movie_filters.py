"""Which movies a listing has, besides those of a year and a language: as conditions on their columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.catalog.tables.credits import TABLE as CREDITS_TABLE
from shared.catalog.tables.movies import TABLE
from shared.catalog.tables.people import TABLE as PEOPLE_TABLE
from shared.database.models import Upload
from shared.database.queries.browsing.joined_ratings import of_tenant
from shared.database.queries.kept_rows import Columns
from shared.database.queries.search.matching import Query, contains_words
from shared.database.record_ids import LAST_ID, end_of
from shared.database.row_tables import sql_table, words_of
from shared.database.timing.statement_names import named

CREDITS: Final = sql_table(CREDITS_TABLE)
PEOPLE: Final = sql_table(PEOPLE_TABLE)


@dataclass(frozen=True, slots=True)
class OfUpload:
    """The movies of one upload: its number, and the first id of its range."""

    number: int
    first_id: int


@dataclass(frozen=True, slots=True)
class MovieFilters:
    """Each filter that is not None must hold.

    `title`: words, of which the last one may be only begun. `genre`, `country`: one of the movie's. `person`: the id in
    the source of somebody who has a credit for it, or the id of a row of people. `collection`: that of a dataset.
    """

    title: str | None = None
    genre: str | None = None
    country: str | None = None
    person: str | None = None
    title_type: str | None = None
    min_votes: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    collection: int | None = None
    upload: OfUpload | None = None
    source_id: str | None = None

    @property
    def name_few(self) -> bool:
        """Whether some filter leaves few movies, whatever the data."""
        return self.person is not None or self.source_id is not None

    @property
    def has_years(self) -> bool:
        """Whether the year of release has bounds."""
        return self.year_from is not None or self.year_to is not None


NO_FILTERS: Final = MovieFilters()


@named
def upload_range(upload_id: Any, tenant: str) -> Select[*tuple[Any, ...]]:
    """`number`, `first_id` and `table_name` of the tenant's upload."""
    columns = Upload.number, Upload.first_id, Upload.table_name
    return select(*columns).where(Upload.id == upload_id, Upload.tenant == tenant)


def own_conditions(
    filters: MovieFilters, movies: Columns, tenant: str, *, by_index: bool = False
) -> Iterator[ColumnElement[bool]]:
    """All conditions but those on the year, the type, on votes and on the upload.

    `by_index`: the full-text index may find the words of a title; otherwise each row's words are looked at.
    """
    if filters.title is not None and by_index:
        words: ColumnElement[Any] = literal_column(words_of(TABLE, f"{movies.title_key.table.name}."))
        yield words.op("@@", is_comparison=True)(
            cast(bindparam(None, Query(filters.title).text_query(), Text), TSQUERY)
        )
    elif filters.title is not None:
        yield contains_words(Query(filters.title), movies.title_key, movies.more_words)
    if filters.genre is not None:
        yield movies.genres.contains(cast([filters.genre], ARRAY(Text)))
    if filters.country is not None:
        yield movies.countries.contains(cast([filters.country], ARRAY(Text)))
    if filters.person is not None:
        yield movies.source_id.in_(_titles_of(filters.person, tenant))
    if filters.source_id is not None:
        yield movies.source_id == filters.source_id


def of_upload(filters: MovieFilters, movies: Columns) -> Iterator[ColumnElement[bool]]:
    """The range of ids, literals: of a large upload the planner opens one partition only."""
    if filters.upload is not None:
        first_id = filters.upload.first_id
        yield movies.id >= _literal("first_id", first_id, BigInteger)
        yield movies.id < _literal("end_id", end_of(first_id), BigInteger)


def of_type(filters: MovieFilters, movies: Columns) -> Iterator[ColumnElement[bool]]:
    """One of the types of titles."""
    if filters.title_type is not None:
        yield movies.title_type == filters.title_type


def of_years(filters: MovieFilters, movies: Columns) -> Iterator[ColumnElement[bool]]:
    """The years as a range of `release_order`, which each index of the release begins with."""
    if filters.year_from is not None:
        yield movies.release_order >= filters.year_from * 10_000
    if filters.year_to is not None:
        yield movies.release_order <= filters.year_to * 10_000 + 1231


def _literal(name: str, value: int, type_: type[Any]) -> Any:
    return bindparam(name, value, type_, literal_execute=True)


def _titles_of(person: str, tenant: str) -> Select[Any]:
    """The ids in the source of the titles that the person has a credit for."""
    is_theirs = CREDITS.c.person_id == person
    if person.isdecimal() and int(person) <= LAST_ID:
        named = select(PEOPLE.c.source_id).where(
            of_tenant(PEOPLE.c, tenant), PEOPLE.c.id == _literal("person_row", int(person), BigInteger)
        )
        is_theirs = or_(is_theirs, CREDITS.c.person_id == named.scalar_subquery())
    return select(CREDITS.c.title_id).where(of_tenant(CREDITS.c, tenant), is_theirs)
