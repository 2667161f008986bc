"""Bodies that are movie files, mostly: random bytes alone would never get behind the header."""

from typing import Final

import schemathesis
from hypothesis import strategies as st
from schemathesis.transport.serialization import Binary

from api.description.public_names import PICTURE_TYPES, RAW_TYPES
from tests.rows import movies, titles
from tests.unit.shots.drawing import bomb, encoded, striped, talkative

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
_CORRECTED: Final = st.sampled_from(["8.1", "11", "x"]).map(
    lambda rating: f"_line\ttconst\taverageRating\tnumVotes\n2\ttt0000001\t{rating}\t12\n".encode()
)
_IMDB: Final = st.lists(_TITLES, min_size=1, max_size=3).map(
    lambda names: titles(*({"primaryTitle": name} for name in names))
)
_TABLES: Final = st.one_of(_MOVIES, _MOVIES, _IMDB, st.binary(max_size=200))

_SIZES: Final = st.tuples(st.integers(1, 64), st.integers(1, 64))
_DRAWN: Final = st.tuples(_SIZES, st.sampled_from(["PNG", "JPEG", "WEBP"])).map(
    lambda drawn: encoded(striped(drawn[0]), drawn[1])
)
_PICTURES: Final = st.one_of(
    _DRAWN,
    _DRAWN,
    st.sampled_from(["PNG", "JPEG", "WEBP"]).map(talkative),
    st.tuples(_DRAWN, st.integers(0, 400)).map(lambda cut: cut[0][: cut[1]]),
    st.just(bomb(100_000, 100_000)),
)


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
    return _or(body, _CORRECTED if is_correction else _TABLES)


def or_picture(body: object) -> st.SearchStrategy[object]:
    """The same for a picture."""
    return _or(body, _PICTURES)


def _or(body: object, files: st.SearchStrategy[bytes]) -> st.SearchStrategy[object]:
    if isinstance(body, Binary):
        return st.one_of(st.just(body), *[files.map(Binary)] * 3)
    if isinstance(body, dict) and isinstance(body.get("file"), Binary):
        return files.map(lambda file: {**body, "file": Binary(file)})
    return st.just(body)


def make_readable(query: dict[str, object]) -> None:
    """Remove every option that may be wrong for the table."""
    query.setdefault("filename", "movies.csv")
    for option in _OPTIONS:
        query.pop(option, None)


def register() -> None:
    """Tell schemathesis that these types of bodies are bytes, too."""
    types = dict.fromkeys((*RAW_TYPES, *PICTURE_TYPES))
    schemathesis.serializer.alias([name for name in types if name not in _KNOWN_TYPES], _KNOWN_TYPES[0])
