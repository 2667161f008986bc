"""People by the words of their names.

IMDb numbers people roughly by fame, so of many that match, those with the first ids are taken.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Select, Text, bindparam, func, select, true

from shared.catalog.tables.people import TABLE
from shared.database.queries.search.matching import (
    MOST_CANDIDATES,
    TEXT,
    at_most,
    begins_with,
    given,
    has_words,
    of_tenant,
    rows_of,
    spaced,
)
from shared.database.queries.search.unindexed import Ranges, outside
from shared.database.timing.statement_names import made_once

_PEOPLE: Final = rows_of(TABLE).c
# What ranking needs of a candidate.
_CANDIDATE: Final = (_PEOPLE.id, _PEOPLE.name_key, _PEOPLE.known_for)
# Among so many, a word that very many names have is looked for.
_FIRST: Final = 5_000


@made_once
def count_beginning() -> Select[Any]:
    """How many names begin with `text`, up to as many as there are candidates."""
    found = select(_PEOPLE.id).where(of_tenant(TABLE), begins_with(_PEOPLE.name_key, TEXT)).order_by(_PEOPLE.name_key)
    return select(func.count()).select_from(found.limit(at_most(MOST_CANDIDATES)).subquery())


@made_once
def beginning() -> Select[Any]:
    """Candidates whose names begin with `text`, those with exactly this name first."""
    found = select(*_CANDIDATE).where(of_tenant(TABLE), begins_with(_PEOPLE.name_key, TEXT))
    return found.order_by(_PEOPLE.name_key).limit(at_most(MOST_CANDIDATES))


@made_once
def with_words(unindexed: Ranges) -> Select[Any]:
    """Candidates by the full-text index, where it is: with the words of `query`."""
    found = select(*_CANDIDATE).where(of_tenant(TABLE), *outside(_PEOPLE.id, unindexed), has_words(TABLE))
    return found.limit(at_most(MOST_CANDIDATES))


@made_once
def among_first() -> Select[Any]:
    """Candidates with a word that begins with `begun`, a text after a space, among the people with the first ids."""
    columns = *_CANDIDATE, _PEOPLE.more_words
    first = select(*columns).where(of_tenant(TABLE)).order_by(_PEOPLE.id).limit(at_most(_FIRST)).subquery()
    has_word = func.strpos(spaced(first.c.name_key, first.c.more_words), bindparam("begun", type_=Text)) > 0
    candidate = (first.c[column.name] for column in _CANDIDATE)
    return select(*candidate).where(has_word).limit(at_most(MOST_CANDIDATES))


@made_once
def shown() -> Select[Any]:
    """What readers see of the people with these `ids` in a list of hits."""
    wanted = given("id", BigInteger)
    columns = _PEOPLE.id, _PEOPLE.source_id, _PEOPLE.name, _PEOPLE.birth_year, _PEOPLE.death_year, _PEOPLE.professions
    person = select(*columns).where(of_tenant(TABLE), _PEOPLE.id == wanted.c.id).lateral()
    return select(person).select_from(wanted.join(person, true()))
