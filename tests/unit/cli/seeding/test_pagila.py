"""Pagila's tables as files, and their declarations."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.seeding.copy_blocks import DumpError
from cli.seeding.pagila import convert
from cli.seeding.pagila_tables import TABLES
from shared.catalog.schemas.declaration import Declaration

FILMS = "COPY public.film (film_id, title, special_features, fulltext, colour) FROM stdin;\n"
GROUPS = "COPY public.category (category_id, name, last_update) FROM stdin;\n1\tDrama\tx\n2\tHorror\tx\n\\.\n"
PAIRS = "COPY public.film_category (film_id, category_id, last_update) FROM stdin;\n7\t2\tx\n7\t1\tx\n8\t9\tx\n\\.\n"

Convert = Callable[[str], dict[str, list[dict[str, str]]]]


@pytest.fixture
def converted(tmp_path: Path) -> Convert:
    """The records of each table of a dump."""

    def convert_text(dump: str) -> dict[str, list[dict[str, str]]]:
        (tmp_path / "dump.sql").write_text(dump)
        files = convert(tmp_path / "dump.sql", tmp_path)
        found = {}
        for file in files:
            with file.path.open(newline="") as content:
                found[file.table.name] = list(csv.DictReader(content))
            assert len(found[file.table.name]) == file.records
        return found

    return convert_text


def films(*rows: str) -> str:
    """A dump with these rows of films."""
    return FILMS + "".join(f"{row}\n" for row in rows) + "\\.\n" + GROUPS + PAIRS


def test_every_declaration_is_one() -> None:
    for table in TABLES:
        declaration = Declaration.parse(table.declaration)
        assert declaration.name == f"pagila.{table.name}"
        assert set(declaration.primary_key) <= set(table.fields)


def test_a_film_has_its_category_its_features_and_its_words(converted: Convert) -> None:
    dump = films(
        "7\tDeep Water\t{Trailers,\"Deleted Scenes\"}\t'deep':1 'water':2\tred",
        "8\tNobody's\t{}\t\tred",
        "9\t\\N\t\\N\t\\N\tred",
    )
    shown = ("title", "category", "special_features", "fulltext", "length")
    assert [[film[name] for name in shown] for film in converted(dump)["film"]] == [
        ["Deep Water", "Horror", "Trailers|Deleted Scenes", "deep|water", r"\N"],
        ["Nobody's", r"\N", r"\N", r"\N", r"\N"],
        [r"\N"] * 5,
    ]
    assert "colour" not in converted(dump)["film"][0]


def test_rentals_have_two_moments_however_they_are_stored(converted: Convert) -> None:
    ranges = (
        "COPY public.rental (rental_id, rental_period) FROM stdin;\n"
        '1\t["2005-05-24 22:54:33","2005-05-28 19:40:33")\n2\t["2022-05-24 22:54:33+00",)\n3\t\\N\n\\.\n'
    )
    columns = (
        "COPY public.rental (rental_id, rental_date, return_date) FROM stdin;\n"
        "1\t2005-05-24 22:54:33\t2005-05-28 19:40:33\n2\t2022-05-24 22:54:33+00\t\\N\n3\t\\N\t\\N\n\\.\n"
    )
    expected = [
        ("2005-05-24 22:54:33", "2005-05-28 19:40:33"),
        ("2022-05-24 22:54:33+00:00", r"\N"),
        (r"\N", r"\N"),
    ]
    for rentals in (ranges, columns):
        found = converted(films() + rentals)["rental"]
        assert [(each["rental_date"], each["return_date"]) for each in found] == expected


def test_the_parts_of_payments_are_one_table_and_unknown_tables_none(converted: Convert) -> None:
    part = "COPY public.{name} (payment_id, amount) FROM stdin;\n{number}\t0.99\n\\.\n"
    names = ("payment_p2007_01", "payment_p0000_default", "payment", "payments_of_others", "log")
    dump = films() + "".join(part.format(name=name, number=number) for number, name in enumerate(names))
    found = converted(dump)
    assert [each["payment_id"] for each in found["payment"]] == ["0", "1", "2"]
    assert set(found) == {"film", "category", "film_category", "payment"}


def test_blanks_that_fill_a_name_up_are_no_part_of_it(converted: Convert) -> None:
    dump = films() + "COPY public.language (language_id, name) FROM stdin;\n1\tEnglish             \n\\.\n"
    assert [each["name"] for each in converted(dump)["language"]] == ["English"]


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        ("SELECT 1;\n", "no COPY block of film, category, film_category"),
        (FILMS + "\\.\n", "no COPY block of category, film_category"),
        (films("1\tx\t{{a}}\t\\N\t\\N"), "film.special_features cannot be read"),
        (films("1\tx\t{a|b}\t\\N\t\\N"), "film.special_features has an item with |"),
        (films("1\tx\t\\N\twater\t\\N"), "film.fulltext cannot be read"),
        (films("1\t\\\\N\t\\N\t\\N\t\\N"), r"film.title has the text \N"),
        (films().removesuffix("\\.\n"), "cut off in the rows of film_category"),
        (films() + "COPY rental (rental_id, rental_period) FROM stdin;\n1\tlong\n\\.\n", "rental.rental_period"),
    ],
)
def test_what_cannot_be_converted_is_said(converted: Convert, dump: str, expected: str) -> None:
    with pytest.raises(DumpError) as refused:
        converted(dump)
    assert expected in str(refused.value)
