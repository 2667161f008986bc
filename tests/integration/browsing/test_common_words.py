"""A last word that very many titles or names begin with: where it is looked for, and that the answer says so."""

import pytest
from sqlalchemy import Engine

from api.search.engine import Found, HitType, Search
from api.search.postgres import PostgresSearch
from shared.database.queries.search.matching import MOST_CANDIDATES
from shared.ingest.words.word_indexes import WordIndexes
from tests.conftest import REGISTRY
from tests.integration.browsing.conftest import Load, Read


@pytest.fixture
def nights(engine: Engine, load: Load) -> None:
    """No title has votes, so none is remembered."""
    many = range(MOST_CANDIDATES)
    titles = ["The Long Night", "The Nightingale", *(f"Night {number}" for number in many)]
    names = ["Bella Anna", *(f"Anna {number}" for number in many)]
    keys = [f"tt{number:07}" for number in range(len(titles))]
    load(
        "title.basics",
        *({"tconst": k, "primaryTitle": t, "originalTitle": t} for k, t in zip(keys, titles, strict=True)),
    )
    load("name.basics", *({"nconst": f"nm{number:07}", "primaryName": name} for number, name in enumerate(names)))
    WordIndexes(engine, REGISTRY).build_all()


def search(read: Read, text: str, type: HitType) -> tuple[list[str], bool]:  # noqa: A002  as the route has it
    wanted = Search("public", text, frozenset([type]), 1_000, 0)
    found: Found = read(lambda engine: PostgresSearch(engine).search(wanted))
    return sorted(hit.get("title") or hit["name"] for hit in found.hits), found.is_exact


@pytest.mark.usefixtures("nights")
def test_titles(read: Read) -> None:
    found, is_exact = search(read, "night", HitType.MOVIE)
    assert (len(found), is_exact) == (MOST_CANDIDATES, False)
    assert "The Long Night" not in found
    for text in ("long night", "the long nig"):
        assert search(read, text, HitType.MOVIE) == (["The Long Night"], False), text
    assert search(read, "the nig", HitType.MOVIE) == (["The Nightingale"], False)
    assert search(read, "night long", HitType.MOVIE) == (["The Long Night"], True)
    assert search(read, "night lon", HitType.MOVIE) == (["The Long Night"], True)
    assert search(read, "nightin", HitType.MOVIE) == (["The Nightingale"], True)


@pytest.mark.usefixtures("nights")
def test_names(read: Read) -> None:
    found, is_exact = search(read, "anna", HitType.PERSON)
    assert not is_exact
    assert {"Bella Anna", "Anna 7"} <= {*found}
    assert search(read, "bella an", HitType.PERSON) == (["Bella Anna"], False)
    assert search(read, "anna bell", HitType.PERSON) == (["Bella Anna"], True)
