"""Which words the vocabulary of a tenant has, of many that somebody may have meant."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    bindparam,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.database.models import Word
from shared.database.queries.search.matching import LAST
from shared.database.timing.statement_names import named

# How many words with the same beginning are read.
_MOST_OF_EACH: Final = 1000


@named
def known_words(tenant: str, words: Sequence[str]) -> Select[str]:
    """Those of the words that the vocabulary has."""
    return select(Word.word).where(_of_tenant(tenant), Word.word == func.any(_texts(words)))


@named
def known_beginnings(tenant: str, beginnings: Sequence[str]) -> Select[str]:
    """Those of the texts that a word of the vocabulary begins with."""
    given = _rows_of(beginnings)
    found = select(literal(1).label("found")).where(_of_tenant(tenant), *_begins_with(given.c.text)).limit(1).lateral()
    return select(given.c.text).join(found, true())


@named
def words_with(tenant: str, beginnings: Sequence[str], shortest: int, longest: int, most: int) -> Select[str]:
    """Words with one of the beginnings and a length between these two, in letters; some may come twice."""
    given = _rows_of(beginnings)
    has_length = func.char_length(Word.word).between(shortest, longest)
    wanted = select(Word.word).where(_of_tenant(tenant), *_begins_with(given.c.text), has_length)
    found = wanted.limit(_MOST_OF_EACH).lateral()
    return select(found.c.word).select_from(given.join(found, true())).limit(most)


def _of_tenant(tenant: str) -> ColumnElement[bool]:
    return Word.tenant == bindparam("tenant", tenant, literal_execute=True)


def _texts(texts: Sequence[str]) -> BindParameter[Sequence[str]]:
    return bindparam(None, list(texts), ARRAY(Text))


def _rows_of(texts: Sequence[str]) -> TableValuedAlias:
    return func.unnest(_texts(texts)).table_valued("text", name="given").render_derived()


def _begins_with(text: ColumnElement[str]) -> list[ColumnElement[bool]]:
    return [Word.word >= text, Word.word < text.op("||")(literal(LAST))]
