"""People, and what they were credited for."""

from typing import Any

import pytest
from sqlalchemy import Engine

from api.browsing import people as people_module
from api.browsing.people import MOST_COUNTED_CREDITS, ListedPeople, person_document, read_movies_of_person, read_people
from shared.catalog.search_words import key_of
from shared.database.queries.browsing.people import START, PeopleListing, Position
from shared.errors import NotFound
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from tests.conftest import REGISTRY, Intake
from tests.integration.browsing.conftest import Load, Read
from tests.integration.ingest.test_loader import never, rows
from tests.rows import file_of

FIRST = -1


def person(number: int, year: str = "1890", **changes: str) -> dict[str, str]:
    return {"nconst": f"nm{number:07}", "primaryName": f"No. {number}", "birthYear": year, **changes}


def page(read: Read, listing: PeopleListing, after: Position = START, limit: int = 100) -> ListedPeople:
    found: ListedPeople = read(lambda engine: read_people(engine, listing, after, limit))
    return found


def pages(read: Read, listing: PeopleListing, size: int) -> list[str]:
    """The names of all people, page by page; each page says how many there are."""
    names: list[str] = []
    after = START
    while True:
        found = page(read, listing, after, size)
        names += [each["name"] for _, each in found.items]
        if len(found.items) < size:
            assert (found.total, found.is_exact) == (len(names), True)
            return names
        after = found.items[-1][0]


@pytest.fixture
def people(load: Load) -> None:
    load("name.basics", *(person(number, ("1890", "1901", "\\N")[number % 3]) for number in range(10)))
    load("name.basics", person(1, primaryName="Somebody else"), tenant="other")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (PeopleListing("public"), range(10)),
        (PeopleListing("public", birth_year=1890), range(0, 10, 3)),
        (PeopleListing("public", source_id="nm0000004"), (4,)),
        (PeopleListing("public", source_id="nm0000004", birth_year=1890), ()),
        (PeopleListing("public", birth_year=1700), ()),
        (PeopleListing("third"), ()),
    ],
    ids=lambda value: value.label if isinstance(value, PeopleListing) else "",
)
def test_each_person_is_on_one_page(read: Read, listing: PeopleListing, expected: range) -> None:
    for size in (2, 3, 100):
        assert pages(read, listing, size) == [f"No. {number}" for number in expected]


NAMES = ("Fritz Lang", "fritz langer", "Fritz", "Fritzi", "Lotte", "Łang", "!")


@pytest.fixture
def named(load: Load) -> None:
    professions = ("director", "director,writer", "actor", "\\N", "writer", "actor", "actor")
    changes = [{"primaryName": name, "primaryProfession": each} for name, each in zip(NAMES, professions, strict=True)]
    load("name.basics", *(person(number, ("1890", "1901")[number % 2], **each) for number, each in enumerate(changes)))
    load("name.basics", person(1, primaryName="Fritz of another", primaryProfession="director"), tenant="other")


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name_key": "fritz"}, ("Fritz", "Fritz Lang", "fritz langer", "Fritzi")),
        ({"name_key": "fritz la"}, ("Fritz Lang", "fritz langer")),
        ({"name_key": "lang"}, ("Łang",)),
        ({"name_key": "zz"}, ()),
        ({"name_key": "fritz", "birth_year": 1890}, ("Fritz", "Fritz Lang")),
        ({"name_key": "fritz", "profession": "director"}, ("Fritz Lang", "fritz langer")),
        ({"profession": "director"}, ("Fritz Lang", "fritz langer")),
        ({"profession": "writer"}, ("fritz langer", "Lotte")),
        ({"profession": "writer", "birth_year": 1890}, ("Lotte",)),
        ({"profession": "Writer"}, ()),
    ],
    ids=str,
)
def test_people_are_found_by_name_and_profession(
    monkeypatch: pytest.MonkeyPatch, read: Read, few: int, filters: dict[str, Any], expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr(people_module, "_FEW", few)
    for size in (1, 2, 100):
        assert tuple(pages(read, PeopleListing("public", **filters), size)) == expected


@pytest.mark.usefixtures("named")
def test_a_name_of_signs_is_like_no_other(read: Read) -> None:
    assert pages(read, PeopleListing("public", name_key=""), 10) == [n for n in NAMES if not key_of(n)]


@pytest.mark.usefixtures("named")
def test_people_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    monkeypatch.setattr(people_module, "MOST_COUNTED_PEOPLE", 3)
    found = page(read, PeopleListing("public", name_key="fritz"))
    assert (len(found.items), found.total, found.is_exact) == (4, 3, False)


def test_what_is_undone_is_nobody(read: Read, engine: Engine, intake: Intake, loader: Loader) -> None:
    upload = intake(file_of("name.basics", person(1)), "name.basics.tsv")
    loader.load(upload, never)
    found = page(read, PeopleListing("public"))
    [(_, one)] = found.items
    assert found.total == 1
    undo(engine, REGISTRY, upload, "public")
    assert page(read, PeopleListing("public")) == ListedPeople([], 0, is_exact=True)
    with pytest.raises(NotFound):
        read(lambda reader: person_document(reader, REGISTRY, "public", one["id"]))


@pytest.fixture
def known(load: Load, read: Read) -> int:
    """A person with three credits for two titles, of which only one is loaded; the third is somebody else's."""
    load("name.basics", person(1, knownForTitles="tt0000009,tt0000001"), person(2))
    load("title.basics", {"tconst": "tt0000001", "startYear": "1927", "primaryTitle": "Metropolis"})
    load("title.ratings", {"tconst": "tt0000001", "averageRating": "8.3", "numVotes": "193000"})
    credit = {"nconst": "nm0000001", "tconst": "tt0000001", "job": "\\N", "characters": "\\N"}
    load(
        "title.principals",
        {**credit, "ordering": "1", "category": "director"},
        {**credit, "ordering": "2", "category": "writer", "job": "story"},
        {**credit, "ordering": "3", "nconst": "nm0000002"},
        {**credit, "ordering": "1", "tconst": "tt0000009", "category": "actor", "characters": '["Himself"]'},
    )
    [(_, found)] = page(read, PeopleListing("public", source_id="nm0000001")).items
    return int(found["id"])


def test_a_person_is_known_for_titles_with_names(read: Read, known: int) -> None:
    found = read(lambda engine: person_document(engine, REGISTRY, "public", known))
    assert [(title["source_id"], title["title"], title["release_year"]) for title in found["known_for"]] == [
        ("tt0000009", None, None),
        ("tt0000001", "Metropolis", 1927),
    ]
    assert (found["name"], found["birth_year"]) == ("No. 1", 1890)


def test_credits_of_a_person_come_with_titles_and_ratings(read: Read, known: int) -> None:
    found, total = read(lambda engine: read_movies_of_person(engine, REGISTRY, "public", known, FIRST, 100))
    assert total == 3
    items = [item for _, item in found]
    assert [(item["movie"]["title"], item["category"], item["vote_average"]) for item in items] == [
        ("Metropolis", "director", 8.3),
        ("Metropolis", "writer", 8.3),
        (None, "actor", None),
    ]
    assert items[1]["job"] == "story"
    assert items[2]["characters"] == ["Himself"]
    assert items[2]["movie"]["source_id"] == "tt0000009"


def test_credits_of_a_person_have_pages(read: Read, known: int) -> None:
    def credit_behind(after: int) -> tuple[list[tuple[int, dict[str, Any]]], int | None]:
        found: tuple[list[tuple[int, dict[str, Any]]], int | None]
        found = read(lambda engine: read_movies_of_person(engine, REGISTRY, "public", known, after, 1))
        return found

    after, seen = FIRST, []
    for _ in range(3):
        [(after, item)], total = credit_behind(after)
        assert total == 3
        seen.append(item["category"])
    assert seen == ["director", "writer", "actor"]
    assert credit_behind(after) == ([], 3)


@pytest.mark.parametrize("more", [0, 1])
def test_credits_are_counted_up_to_a_limit(load: Load, read: Read, more: int) -> None:
    number = MOST_COUNTED_CREDITS + more
    load("name.basics", person(1))
    credit = {"nconst": "nm0000001", "tconst": "tt0000001"}
    load("title.principals", *({**credit, "ordering": str(ordering)} for ordering in range(1, number + 1)))
    [(_, one)] = page(read, PeopleListing("public")).items
    found, total = read(lambda engine: read_movies_of_person(engine, REGISTRY, "public", one["id"], FIRST, 100))
    assert (len(found), total) == (100, None if more else number)


def test_a_person_of_another_tenant_is_nobody(read: Read, known: int) -> None:
    with pytest.raises(NotFound):
        read(lambda engine: person_document(engine, REGISTRY, "other", known))
    with pytest.raises(NotFound):
        read(lambda engine: read_movies_of_person(engine, REGISTRY, "other", known, FIRST, 1))


def test_a_movie_is_no_person(engine: Engine, read: Read, known: int) -> None:
    assert known
    [(movie,)] = rows(engine, "SELECT id FROM movies")
    with pytest.raises(NotFound):
        read(lambda reader: person_document(reader, REGISTRY, "public", movie))
