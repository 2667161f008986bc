"""What a row must have to match a query: in the full-text index, or looked at row by row.

Conditions have named parameters, so that a statement is made once: `tenant`, `query`, `text`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Integer,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    true,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.types import TypeEngine

from shared.catalog.search_words import key_of, query_words
from shared.catalog.table import Table
from shared.database.row_tables import sql_table, tenant_view, text_words, words_of

# How many candidates a statement returns: any of those that match. The best known ones are looked for beside them.
MOST_CANDIDATES: Final = 200
# Sorts behind everything that begins with the text before it.
LAST: Final = "\U0010ffff"

TEXT: Final = bindparam("text", type_=Text)


def rows_of(table: Table) -> SqlTable:
    """What to read the table from: where words are asked for, from the view that lets their index serve requests."""
    return tenant_view(table) if table.words else sql_table(table)


@dataclass(frozen=True)
class Query:
    """The words of a text that somebody types: all but the last one are complete, the last one may be only begun.

    `spellings`: what a mistyped word may be. Of these, a row needs one instead of the word.
    """

    text: str
    spellings: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """What a title's key is if it is called exactly so."""
        return key_of(self.text)

    @cached_property
    def words(self) -> list[str]:
        """All words, each once."""
        return query_words(self.text)

    @property
    def begun(self) -> str:
        """The last word."""
        return self.words[-1]

    @property
    def complete(self) -> list[str]:
        """The others."""
        return self.words[:-1]

    def text_query(self, *, is_finished: bool = False) -> str:
        """As PostgreSQL writes it; `is_finished`: the last word is complete, too."""
        words = [self._one_of(word) for word in self.complete]
        return " & ".join([*words, self._one_of(self.begun, "" if is_finished else ":*")])

    def spellings_of(self, word: str) -> Sequence[str]:
        """The word itself, or what it may be instead."""
        return self.spellings.get(word, (word,))

    def _one_of(self, word: str, suffix: str = "") -> str:
        spellings = [_quoted(spelling) + suffix for spelling in self.spellings_of(word)]
        return spellings[0] if len(spellings) == 1 else f"({' | '.join(spellings)})"


def has_words(table: Table) -> ColumnElement[bool]:
    """Rows whose words match `query`, by the full-text index."""
    return _matches(words_of(table, f"{rows_of(table).name}."))


def text_has_words(table: Table, field: str) -> ColumnElement[bool]:
    """Rows with a running text whose words match `query`, by its index."""
    return _matches(text_words(f"{rows_of(table).name}.{field}"))


def begins_with(column: ColumnElement[Any], text: BindParameter[str]) -> ColumnElement[bool]:
    """Keys that begin with a text: one range of their index."""
    return column.between(text, text.op("||")(literal(LAST)))


def contains_words(query: Query, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """Rows whose words match, by a look at the words in these columns."""
    words = spaced(*columns)
    begun = func.strpos(words, bindparam(None, f" {query.begun}", Text)) > 0
    complete = [func.strpos(words, bindparam(None, f" {word} ", Text)) > 0 for word in query.complete]
    return and_(true(), *complete, begun)


def spaced(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """All words in these columns, each between two spaces."""
    words: ColumnElement[Any] = literal(" ")
    for column in columns:
        words = words.op("||")(func.coalesce(column, literal("")).op("||")(literal(" ")))
    return words


def of_tenant(table: Table) -> ColumnElement[bool]:
    """The rows of `tenant`; a literal, so that the planner opens no partition of another one."""
    return rows_of(table).c.tenant == bindparam("tenant", type_=Text, literal_execute=True)


def at_most(most: int) -> ColumnElement[int]:
    """A literal: of an unknown number of rows the planner would assume a tenth of all."""
    return literal_column(str(most), Integer)


def given(name: str, type_: type[TypeEngine[Any]]) -> TableValuedAlias:
    """The values of the list that is given as the parameter `<name>s`, as rows with a column `name`."""
    values = bindparam(f"{name}s", type_=ARRAY(type_))
    return func.unnest(cast(values, ARRAY(type_))).table_valued(name).render_derived()


def _matches(words: str) -> ColumnElement[bool]:
    found: ColumnElement[Any] = literal_column(words)
    return found.op("@@", is_comparison=True)(cast(bindparam("query", type_=Text), TSQUERY))


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
