"""Which of some thousand texts have the words of a query: an index in memory."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from shared.database.queries.search.matching import LAST, Query


class WordIndex:
    """Of texts whose words are separated by spaces. A text is meant by its number."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts_with: defaultdict[str, set[int]] = defaultdict(set)
        for number, text in enumerate(texts):
            for word in text.split():
                self._texts_with[word].add(number)
        self._words = sorted(self._texts_with)

    def matching(self, query: Query) -> Sequence[int]:
        """The texts with all words of the query; the last one may be only begun."""
        begun = [word for text in query.spellings_of(query.begun) for word in self._beginning(text)]
        found = [self._with_one(begun), *(self._with_one(query.spellings_of(word)) for word in query.complete)]
        return sorted(set.intersection(*found))

    def _beginning(self, text: str) -> Sequence[str]:
        return self._words[bisect_left(self._words, text) : bisect_left(self._words, text + LAST)]

    def _with_one(self, words: Iterable[str]) -> set[int]:
        return set().union(*(self._texts_with.get(word, ()) for word in words))
