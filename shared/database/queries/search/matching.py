"""What a row must have to match a query: in the full-text index, or looked at row by row."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, bindparam, cast, func, literal, literal_column, true
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.catalog.search_words import OVERVIEW_MARK, key_of, query_words
from shared.catalog.table import Table
from shared.database.row_tables import sql_table, tenant_view, words_of

# Sorts behind everything that begins with the text before it.
_LAST: Final = "\U0010ffff"


def rows_of(table: Table) -> SqlTable:
    """What to read the table from: where words are asked for, from the view that lets their index serve requests."""
    return tenant_view(table) if table.words else sql_table(table)


@dataclass(frozen=True)
class Query:
    """The words of a text that somebody types: all but the last one are complete, the last one may be only begun."""

    text: str

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

    def text_query(self, *, with_begun: bool = True, mark: str = "") -> str:
        """As PostgreSQL writes it; `mark` stands before each word."""
        words = [_quoted(mark + word) for word in self.complete]
        return " & ".join([*words, f"{_quoted(mark + self.begun)}:*"] if with_begun else words)

    @property
    def overview_query(self) -> str:
        """The same for words of overviews."""
        return self.text_query(mark=OVERVIEW_MARK)


def has_words(table: Table, query: str) -> ColumnElement[bool]:
    """Rows whose words match, by the full-text index."""
    words: ColumnElement[Any] = literal_column(words_of(table, f"{rows_of(table).name}."))
    return words.op("@@", is_comparison=True)(cast(bindparam(None, query, Text), TSQUERY))


def begins_with(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Keys that begin with a text: one range of their index."""
    return column.between(bindparam(None, text, Text), bindparam(None, text + _LAST, Text))


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


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
