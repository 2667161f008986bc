"""Who made a title and is in it, by role: from a list of credits, or from a row of crew."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.catalog.tables.credits import TABLE as CREDITS
from shared.catalog.tables.crew import TABLE as CREW
from shared.catalog.tables.people import TABLE as PEOPLE
from shared.database.queries.browsing.publications import Collections
from shared.database.queries.browsing.titles import credits_of_title, crew_of_title, people_by_source

# Credits of one title that an answer has; their totals count all.
MOST_CREDITS: Final = 200

Role = dict[str, Any]
# the id and the name of a person
Pair = tuple[str | None, str | None]


async def read_credits(connection: AsyncConnection, where: Collections, source_id: str) -> dict[str, Any]:
    """`total`, and `roles` in the order of their first credits, with at most `MOST_CREDITS` people in all.

    A title without a list of credits has those of its crew, whose directors come first.
    """
    total, roles = await _listed(connection, where, source_id)
    if not roles:
        roles = await _of_crew(connection, where, source_id)
        total = sum(role["total"] for role in roles)
    await _add_names(connection, where, [person for role in roles for person in role["people"]])
    return {"total": total, "roles": roles}


async def _listed(connection: AsyncConnection, where: Collections, source_id: str) -> tuple[int, list[Role]]:
    """How many credits there are, and the roles of the first ones: others may have all of theirs behind these."""
    if not where.has(CREDITS):
        return 0, []
    rows = (await connection.execute(credits_of_title(where, source_id, MOST_CREDITS))).mappings().all()
    roles: dict[str | None, Role] = {}
    for row in rows:
        empty: Role = {"category": row["category"], "total": row["category_total"], "people": []}
        role = roles.setdefault(row["category"], empty)
        role["people"].append(_person(row["person_id"], ordering=row["ordering"], row=row))
    return rows[0]["total"] if rows else 0, list(roles.values())


async def _of_crew(connection: AsyncConnection, where: Collections, source_id: str) -> list[Role]:
    if not where.has(CREW):
        return []
    crew = (await connection.execute(crew_of_title(where, source_id))).mappings().one_or_none()
    if crew is None:
        return []
    names = dict(_pairs(crew["crew_ids"], crew["crew_names"]))
    roles: list[tuple[str, list[Pair]]] = [
        ("director", [(person, names.get(person)) for person in crew["directors"] or ()]),
        ("writer", [(person, names.get(person)) for person in crew["writers"] or ()]),
        ("cast", _pairs(crew["cast_ids"], crew["cast_names"])),
    ]
    return _bounded(roles)


def _pairs(ids: list[str] | None, names: list[str] | None) -> list[Pair]:
    """Each name with its id, if both lists come from the same objects."""
    if ids is None or names is None or len(ids) != len(names):
        return [(None, name) for name in names or ()]
    return list(zip(ids, names, strict=True))


def _bounded(roles: Iterable[tuple[str, list[Pair]]]) -> list[Role]:
    """The roles that anybody has."""
    bounded: list[Role] = []
    left = MOST_CREDITS
    for category, people in roles:
        shown = [_person(person, name=name, ordering=number) for number, (person, name) in enumerate(people, 1)]
        if people:
            bounded.append({"category": category, "total": len(people), "people": shown[:left]})
            left -= len(shown[:left])
    return bounded


def _person(
    source_id: str | None, *, ordering: int, name: str | None = None, row: RowMapping | None = None
) -> dict[str, Any]:
    return {
        "id": None,
        "source_id": source_id,
        "name": name,
        "ordering": ordering,
        "job": row["job"] if row else None,
        "characters": row["characters"] if row else None,
    }


async def _add_names(connection: AsyncConnection, where: Collections, people: list[dict[str, Any]]) -> None:
    """To each person whose row there is: its id and its name."""
    wanted = {person["source_id"] for person in people} - {None}
    if not wanted or not where.has(PEOPLE):
        return
    found = {row.source_id: row for row in await connection.execute(people_by_source(where, sorted(wanted)))}
    for person in people:
        if (row := found.get(person["source_id"])) is not None:
            person.update(id=row.id, name=row.name)
