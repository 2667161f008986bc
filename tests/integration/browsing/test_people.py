"""People, and what they were credited for."""

from typing import Any

import pytest
from sqlalchemy import Engine

from api.browsing.people import MOST_COUNTED_CREDITS, person_document, read_movies_of_person, read_people
from shared.database.queries.browsing.people import PeopleListing
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


def page(read: Read, listing: PeopleListing, after: int = FIRST, limit: int = 100) -> tuple[list[dict[str, Any]], int]:
    (people, total), statements = read(lambda engine: read_people(engine, listing, after, limit))
    assert statements == 4  # the tenant, the total twice, the page
    return people, total


def pages(read: Read, listing: PeopleListing, size: int) -> list[str]:
    """The names of all people, page by page; each page says how many there are."""
    names: list[str] = []
    after = FIRST
    while True:
        people, total = page(read, listing, after, size)
        names += [each["name"] for each in people]
        if len(people) < size:
            assert total == len(names)
            return names
        after = people[-1]["id"]


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
    ids=lambda value: value.name if isinstance(value, PeopleListing) else "",
)
def test_each_person_is_on_one_page(read: Read, listing: PeopleListing, expected: range) -> None:
    for size in (2, 3, 100):
        assert pages(read, listing, size) == [f"No. {number}" for number in expected]


def test_what_is_undone_is_nobody(read: Read, engine: Engine, intake: Intake, loader: Loader) -> None:
    upload = intake(file_of("name.basics", person(1)), "name.basics.tsv")
    loader.load(upload, never)
    [one], total = page(read, PeopleListing("public"))
    assert total == 1
    undo(engine, REGISTRY, upload, "public")
    assert page(read, PeopleListing("public")) == ([], 0)
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
    people, _ = page(read, PeopleListing("public", source_id="nm0000001"))
    return int(people[0]["id"])


def test_a_person_is_known_for_titles_with_names(read: Read, known: int) -> None:
    found, statements = read(lambda engine: person_document(engine, REGISTRY, "public", known))
    assert statements == 5
    assert [(title["source_id"], title["title"], title["release_year"]) for title in found["known_for"]] == [
        ("tt0000009", None, None),
        ("tt0000001", "Metropolis", 1927),
    ]
    assert (found["name"], found["birth_year"]) == ("No. 1", 1890)


def test_credits_of_a_person_come_with_titles_and_ratings(read: Read, known: int) -> None:
    (found, total), statements = read(
        lambda engine: read_movies_of_person(engine, REGISTRY, "public", known, FIRST, 100)
    )
    assert (total, statements) == (3, 8)
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
        found, _ = read(lambda engine: read_movies_of_person(engine, REGISTRY, "public", known, after, 1))
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
    [one], _ = page(read, PeopleListing("public"))
    (found, total), _ = read(lambda engine: read_movies_of_person(engine, REGISTRY, "public", one["id"], FIRST, 100))
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
