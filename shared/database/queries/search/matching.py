"""What a row must have to match a query: in the full-text index, or looked at row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, bindparam, cast, func, literal, literal_column, true
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.catalog.search_words import key_of, query_words
from shared.catalog.table import Table
from shared.database.row_tables import sql_table, tenant_view, text_words, words_of

# Sorts behind everything that begins with the text before it.
LAST: Final = "\U0010ffff"


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

    def is_in(self, words: str) -> bool:
        """Whether a row with these words, separated by spaces, matches."""
        spaced = f" {words} "
        is_begun = any(f" {spelling}" in spaced for spelling in self._spellings_of(self.begun))
        return is_begun and all(
            any(f" {spelling} " in spaced for spelling in self._spellings_of(word)) for word in self.complete
        )

    def text_query(self, *, with_begun: bool = True) -> str:
        """As PostgreSQL writes it."""
        words = [self._one_of(word) for word in self.complete]
        return " & ".join([*words, self._one_of(self.begun, ":*")] if with_begun else words)

    def _spellings_of(self, word: str) -> Sequence[str]:
        return self.spellings.get(word, (word,))

    def _one_of(self, word: str, suffix: str = "") -> str:
        spellings = [_quoted(spelling) + suffix for spelling in self._spellings_of(word)]
        return spellings[0] if len(spellings) == 1 else f"({' | '.join(spellings)})"


def has_words(table: Table, query: str) -> ColumnElement[bool]:
    """Rows whose words match, by the full-text index."""
    return _matches(words_of(table, f"{rows_of(table).name}."), query)


def text_has_words(table: Table, field: str, query: str) -> ColumnElement[bool]:
    """Rows with a running text whose words match, by its index."""
    return _matches(text_words(f"{rows_of(table).name}.{field}"), query)


def begins_with(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Keys that begin with a text: one range of their index."""
    return column.between(bindparam(None, text, Text), bindparam(None, text + LAST, Text))


def contains_words(query: Query, *columns: ColumnElement[Any], only_begun: bool = False) -> ColumnElement[bool]:
    """Rows whose words match, by a look at the words in these columns."""
    spaced: ColumnElement[Any] = literal(" ")
    for column in columns:
        spaced = spaced.op("||")(func.coalesce(column, literal("")).op("||")(literal(" ")))
    begun = func.strpos(spaced, bindparam(None, f" {query.begun}", Text)) > 0
    if only_begun:
        return begun
    complete = [func.strpos(spaced, bindparam(None, f" {word} ", Text)) > 0 for word in query.complete]
    return and_(true(), *complete, begun)


def of_tenant(table: Table, tenant: str) -> ColumnElement[bool]:
    """The tenant's rows; a literal, so that the planner opens no partition of another one."""
    return rows_of(table).c.tenant == bindparam(f"tenant_{table.name}", tenant, literal_execute=True)


def _matches(words: str, query: str) -> ColumnElement[bool]:
    found: ColumnElement[Any] = literal_column(words)
    return found.op("@@", is_comparison=True)(cast(bindparam(None, query, Text), TSQUERY))


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
