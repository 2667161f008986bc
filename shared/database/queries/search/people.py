"""People by the words of their names.

IMDb numbers people roughly by fame, so of many that match, those with the first ids are taken.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Select, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.tables.people import TABLE
from shared.database.queries.search.matching import Query, begins_with, contains_words, has_words, of_tenant, rows_of
from shared.database.queries.search.unindexed import Ranges, outside
from shared.database.timing.statement_names import named

_PEOPLE: Final = rows_of(TABLE).c
# What ranking needs of a candidate.
_CANDIDATE: Final = (_PEOPLE.id, _PEOPLE.name_key, _PEOPLE.known_for)


@named
def count_beginning_with(tenant: str, text: str, most: int) -> Select[Any]:
    """How many names begin with a text; counts up to `most`."""
    found = select(_PEOPLE.id).where(of_tenant(TABLE, tenant), begins_with(_PEOPLE.name_key, text)).limit(most)
    return select(func.count()).select_from(found.subquery())


@named
def called(tenant: str, key: str, most: int) -> Select[Any]:
    """Candidates with exactly this name."""
    return select(*_CANDIDATE).where(of_tenant(TABLE, tenant), _PEOPLE.name_key == key).limit(most)


@named
def with_words(tenant: str, query: Query, most: int, unindexed: Ranges, *, is_begun_common: bool) -> Select[Any]:
    """Candidates by the full-text index, where it is, or, if very many names have the only word, the first ones."""
    found = select(*_CANDIDATE).where(of_tenant(TABLE, tenant))
    if query.complete or not is_begun_common:
        found = found.where(*outside(_PEOPLE.id, unindexed))
    if not is_begun_common:
        found = found.where(has_words(TABLE, query.text_query()))
    elif query.complete:
        found = found.where(has_words(TABLE, query.text_query(with_begun=False)))
    if is_begun_common:
        found = found.where(contains_words(query, _PEOPLE.name_key, _PEOPLE.more_words, only_begun=True))
        if not query.complete:
            found = found.order_by(_PEOPLE.id)
    return found.limit(most)


@named
def shown(tenant: str, ids: Sequence[int]) -> Select[Any]:
    """What readers see of these people in a list of hits."""
    wanted = (
        func.unnest(cast(literal(list(ids), ARRAY(BigInteger)), ARRAY(BigInteger))).table_valued("id").render_derived()
    )
    columns = _PEOPLE.id, _PEOPLE.source_id, _PEOPLE.name, _PEOPLE.birth_year, _PEOPLE.death_year, _PEOPLE.professions
    person = select(*columns).where(of_tenant(TABLE, tenant), _PEOPLE.id == wanted.c.id).lateral()
    return select(person).select_from(wanted.join(person, true()))
