"""What the words of a text may have meant that nothing has: words of the tenant's vocabulary, with few mistakes.

The last word may be only begun, so it is compared with the beginnings of words as well.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.catalog.misspelling import (
    SHORTEST_BEGUN,
    SHORTEST_WITH_TWO,
    WORD,
    beginnings_within_one_mistake,
    nearest_with_two,
    one_mistake_from,
)
from shared.catalog.search_words import plain
from shared.database.queries.search import vocabulary
from shared.database.queries.search.matching import Query

# A text with more of them is something else than a mistyped name.
_MOST_MISTYPED: Final = 3
# How many words one may have meant, and how many are compared with it.
_MOST_SPELLINGS: Final = 20
_MOST_COMPARED: Final = 10_000

Spellings = Mapping[str, Sequence[str]]


async def possible_spellings(connection: AsyncConnection, tenant: str, query: Query) -> Spellings:
    """For each word of the query that no row has, those that it may have meant, the likeliest first.

    Empty if every word is one that rows have, or if one has nothing that it may have meant.
    """

    async def found(statement: Select[Any]) -> Sequence[str]:
        return (await connection.scalars(statement)).all()

    *complete, last = query.words
    known = {
        *await found(vocabulary.known_words(tenant, complete)),
        *await found(vocabulary.known_beginnings(tenant, [last])),
    }
    mistyped = [word for word in query.words if re.match(WORD, word) and word not in known]
    if not 0 < len(mistyped) <= _MOST_MISTYPED:
        return {}
    near = {word: one_mistake_from(word) for word in mistyped}
    words = {*await found(vocabulary.known_words(tenant, [text for texts in near.values() for text in texts]))}
    spellings = {word: [text for text in texts if text in words] for word, texts in near.items()}
    for word in mistyped:
        spellings[word] = spellings[word] or await _with_two_mistakes(connection, tenant, word)
    if spellings.get(last) == [] and len(last) >= SHORTEST_BEGUN:
        spellings[last] = [*await found(vocabulary.known_beginnings(tenant, near[last]))]
    return {word: texts[:_MOST_SPELLINGS] for word, texts in spellings.items()} if all(spellings.values()) else {}


def meant(query: Query, names: Iterable[str]) -> str:
    """The query's text with the spellings of the first name that has one of each word, or with the likeliest ones."""
    chosen = {word: texts[0] for word, texts in query.spellings.items()}
    for name in names:
        in_name = {word: _spelling_in(name, query, word) for word in query.spellings}
        if all(in_name.values()):
            chosen |= {word: text for word, text in in_name.items() if text}
            break
    return " ".join(chosen.get(word, word) for word in plain(query.text).split())


def _spelling_in(name: str, query: Query, word: str) -> str | None:
    end = "" if word == query.words[-1] else " "
    return next((text for text in query.spellings[word] if f" {text}{end}" in f" {name} "), None)


async def _with_two_mistakes(connection: AsyncConnection, tenant: str, word: str) -> list[str]:
    if len(word) < SHORTEST_WITH_TWO:
        return []
    beginnings, lengths = beginnings_within_one_mistake(word), (len(word) - 2, len(word) + 2)
    candidates = await connection.scalars(vocabulary.words_with(tenant, beginnings, *lengths, _MOST_COMPARED))
    return nearest_with_two(word, candidates)
