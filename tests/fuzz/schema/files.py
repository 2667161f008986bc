"""Bodies that are movie files, mostly: random bytes alone would never get behind the header."""

from typing import Final

import schemathesis
from hypothesis import strategies as st
from schemathesis.transport.serialization import Binary

from api.description.public_names import RAW_TYPES
from tests.rows import movies, titles

_KNOWN_TYPES: Final = ("application/octet-stream", "text/plain", "application/x-www-form-urlencoded")
_TITLES: Final = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30)
_CHANGES: Final = st.fixed_dictionaries(
    {"title": _TITLES},
    optional={
        "release_date": st.sampled_from(["1927-01-10", "2023-02-30", ""]),
        "vote_average": st.sampled_from(["8.1", "11", "x"]),
        "original_language": st.sampled_from(["de", "??"]),
    },
)
_MOVIES: Final = st.lists(_CHANGES, min_size=1, max_size=4).map(lambda changes: movies(*changes))
# As rejects are downloaded; only the loader finds out whether the line was rejected.
_CORRECTED: Final = _MOVIES.map(
    lambda content: b"".join(
        first + line for first, line in zip((b"_line,", b"2,"), content.splitlines(keepends=True), strict=False)
    )
)
_IMDB: Final = st.lists(_TITLES, min_size=1, max_size=3).map(
    lambda names: titles(*({"primaryTitle": name} for name in names))
)
_TABLES: Final = st.one_of(_MOVIES, _MOVIES, _IMDB, st.binary(max_size=200))


# Left out of every second call, so that the file is read as what it is.
_OPTIONS: Final = (
    "dataset",
    "mapping",
    "schema",
    "header",
    "member",
    "delimiter",
    "quoting",
    "encoding",
    "max_rejects",
    "on_error",
)


def or_table(body: object, *, is_correction: bool) -> st.SearchStrategy[object]:
    """The drawn body, or a table instead of its bytes; a body without a file stays as it is."""
    tables = _CORRECTED if is_correction else _TABLES
    if isinstance(body, Binary):
        return st.one_of(st.just(body), *[tables.map(Binary)] * 3)
    if isinstance(body, dict) and isinstance(body.get("file"), Binary):
        return tables.map(lambda table: {**body, "file": Binary(table)})
    return st.just(body)


def make_readable(query: dict[str, object]) -> None:
    """Remove every option that may be wrong for the table."""
    query.setdefault("filename", "movies.csv")
    for option in _OPTIONS:
        query.pop(option, None)


def register() -> None:
    """Tell schemathesis that these types of bodies are bytes, too."""
    schemathesis.serializer.alias([name for name in RAW_TYPES if name not in _KNOWN_TYPES], _KNOWN_TYPES[0])
