"""What a schema says of a file's values decides how they are read; what it cannot mean is refused."""

from datetime import date
from typing import Any

import pytest

from shared.catalog.dataset import Dataset
from shared.catalog.schemas.table_schema import TableSchema
from shared.errors import InvalidSchema
from tests.conftest import REGISTRY
from tests.rows import MOVIES_HEADER

MOVIES = REGISTRY.get("movies")


def applied(**schema: Any) -> Dataset:
    return TableSchema.from_json(schema).applied(MOVIES, MOVIES.columns_of(MOVIES_HEADER))


def rule(name: str, **described: Any) -> Any:
    dataset = applied(fields=[{"name": name, **described}])
    return next(column for column in dataset.columns if column.name == name).rule


def test_formats_of_dates_and_numbers_count() -> None:
    assert rule("release_date", format="%d/%m/%Y").parse("01/02/2003") == date(2003, 2, 1)
    assert rule("release_date", format="default").parse("2003-02-01") == date(2003, 2, 1)
    assert rule("vote_average", decimalChar=",").parse("7,5") == 7.5
    assert rule("budget", groupChar=".").parse("1.234.567") == 1_234_567
    assert rule("vote_count", bareNumber=False).parse("95 votes") == 95


def test_a_format_of_all_dates_gives_way_to_that_of_one() -> None:
    columns = applied(dateFormat="%m/%d/%Y").columns
    assert [column.rule.parse("01/02/2003") for column in columns if column.name == "release_date"] == [
        date(2003, 1, 2)
    ]
    both = applied(dateFormat="%m/%d/%Y", fields=[{"name": "release_date", "format": "%d/%m/%Y"}]).columns
    assert [column.rule.parse("01/02/2003") for column in both if column.name == "release_date"] == [date(2003, 2, 1)]


def test_missing_values_are_those_of_the_file() -> None:
    assert applied(missingValues=["", "NULL"]).nulls == ("", "NULL")
    assert applied(missingValues=[]).nulls == ()


def test_constraints_are_further_checks() -> None:
    fields = [
        {"name": "homepage", "constraints": {"required": True, "pattern": "https?://.*"}},
        {"name": "runtime", "constraints": {"minimum": 40, "maximum": 300}},
        {"name": "original_language", "constraints": {"enum": ["en", "de"]}},
    ]
    columns = {column.name: column for column in applied(fields=fields).columns}
    assert not columns["homepage"].is_nullable
    assert [check.code for check in columns["homepage"].checks] == ["pattern_mismatch"]
    assert [check.code for check in columns["runtime"].checks] == ["out_of_range", "out_of_range"]
    assert [check.code for check in columns["original_language"].checks] == ["invalid_language", "not_in_enum"]


@pytest.mark.parametrize(
    "document",
    [
        *(
            "[]",
            "{",
            "null",
            '{"fields": {}}',
            '{"fields": [1]}',
            '{"fields": [{}]}',
            '{"primaryKey": "id"}',
            "[" * 9999,
        ),
        *('{"fields": [{"name": "nowhere"}]}', '{"fields": [{"name": "budget", "format": "%Y"}]}'),
        *('{"fields": [{"name": "release_date", "format": "%d"}]}', '{"missingValues": "NULL"}'),
        '{"fields": [{"name": "title", "constraints": {"pattern": "(("}}]}',
        '{"fields": [{"name": "title", "constraints": {"pattern": "(?=a)"}}]}',
        '{"fields": [{"name": "title", "constraints": {"minimum": 1}}]}',
        '{"fields": [{"name": "budget", "constraints": {"minimum": "1"}}]}',
        '{"fields": [{"name": "budget", "constraints": {"unique": true}}]}',
        '{"fields": [{"name": "budget", "constraints": []}]}',
        '{"fields": [{"name": "title", "decimalChar": ","}]}',
        '{"fields": [{"name": "vote_average", "decimalChar": "1"}]}',
        '{"dateFormat": 1}',
        '{"missingValues": ["\\u0000"]}',
    ],
)
def test_what_a_schema_cannot_mean_is_refused(document: str) -> None:
    with pytest.raises(InvalidSchema):
        TableSchema.parse(document).applied(MOVIES, MOVIES.columns_of(MOVIES_HEADER))


def test_it_is_stored_as_it_was_said() -> None:
    document = {"fields": [{"name": "release_date", "format": "%d/%m/%Y"}], "missingValues": ["", "-"]}
    assert TableSchema.from_json(document).to_json() == document
    assert TableSchema.from_json({}).to_json() == {}
