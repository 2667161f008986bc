"""What the tables of the datasets promise: rows fit their columns, and texts fit their indexes."""

import re

import pytest

from shared.catalog.checks import Between, Check, Matches
from shared.catalog.dataset import Column, Dataset
from shared.catalog.search_words import LONGEST_KEY
from shared.catalog.table import FieldType, Table
from shared.database.arrow_schemas import arrow_schema
from shared.database.row_tables import column_definitions, stored_fields
from shared.ingest.validation.long_values import LONGEST_BYTES
from tests.conftest import REGISTRY

TABLES = list(REGISTRY.tables.values())
DATASETS = list(REGISTRY)
RANGES = {FieldType.SMALLINT: (-(2**15), 2**15 - 1), FieldType.INTEGER: (-(2**31), 2**31 - 1)}
# 501 characters each: an entry of a B-tree has at most 2,704 bytes, and a character up to four.
TOO_LONG = ("tt" + "9" * 499, "nm" + "9" * 499, "9" * 501, "\U0001f3ac" * 501)


def named(value: Table | Dataset) -> str:
    return value.name


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_keys_indexes_and_facets_are_fields(table: Table) -> None:
    names = [field.name for field in table.fields]
    assert len(set(names)) == len(names)
    assert {*table.key, *table.indexed_fields, *table.facets} <= set(names)
    assert table.key
    assert len({index.name for index in table.indexes}) == len(table.indexes)


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_a_reference_leads_to_the_key_of_a_table(table: Table) -> None:
    types = {field.name: field.type for field in table.fields}
    for reference in table.references:
        assert types[reference.field] in {FieldType.TEXT, FieldType.TEXTS}
        # so the index of the key finds it
        assert REGISTRY.tables[reference.table].key[0] == reference.target_field


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_a_table_has_a_column_for_each_field_the_wide_ones_first(table: Table) -> None:
    widths = [field.type.bytes for field in stored_fields(table)]
    assert widths == sorted(widths, reverse=True)
    stored = [field.name for field in stored_fields(table)]
    assert arrow_schema(table).names == [*stored, "extra"]
    assert [definition.split()[0].strip('"') for definition in column_definitions(table)] == [*stored, "extra"]


@pytest.mark.parametrize("dataset", DATASETS, ids=named)
def test_each_column_feeds_a_field_that_can_hold_its_values(dataset: Dataset) -> None:
    fields = {field.name: field.type for field in dataset.table.fields}
    for column in dataset.columns:
        field = fields[column.field]
        if field in RANGES:
            assert is_within(column.checks, *RANGES[field]) or column.rule.name == "year", column.name
        else:
            assert column.rule.type == field.arrow, column.name


@pytest.mark.parametrize("dataset", DATASETS, ids=named)
def test_a_record_has_its_key_and_what_its_table_requires(dataset: Dataset) -> None:
    needed = {column.field for column in dataset.columns if not column.is_nullable}
    required = {field.name for field in dataset.table.fields if field.required}
    assert required <= needed
    if dataset.table.name != "movies":
        assert set(dataset.table.key) <= required


@pytest.mark.parametrize("dataset", DATASETS, ids=named)
def test_a_text_in_an_index_or_a_key_is_short(dataset: Dataset) -> None:
    """By a check of its column, or, of short fields, by one of all datasets."""
    texts = {field.name for field in dataset.table.fields if field.type is FieldType.TEXT} - dataset.table.short_fields
    for column in dataset.columns:
        if column.field in texts.intersection((*dataset.table.indexed_fields, *dataset.table.key)):
            assert is_short(column), column.name


def test_a_type_and_a_title_fit_into_an_entry_of_an_index() -> None:
    """A character has up to four bytes; an entry also has the id, and the lengths of both texts."""
    assert LONGEST_BYTES + 4 * LONGEST_KEY + 32 <= 2_704


def is_within(checks: tuple[Check, ...], low: int, high: int) -> bool:
    return any(
        isinstance(check, Between) and check.low >= low and check.high is not None and check.high <= high
        for check in checks
    )


def is_short(column: Column) -> bool:
    patterns = [check.pattern for check in column.checks if isinstance(check, Matches)]
    return bool(patterns) and not any(re.fullmatch(pattern, text) for pattern in patterns for text in TOO_LONG)
