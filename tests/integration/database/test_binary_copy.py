"""What PostgreSQL reads from the encoded stream is what the Arrow table says, value by value."""

import datetime as dt
from collections.abc import Iterator

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from shared.catalog.language_codes import language_number, language_numbers
from shared.database.binary_copy import encode

SCHEMA = pa.schema(
    {
        "position": pa.int32(),
        "large": pa.int64(),
        "words": pa.string(),
        "small": pa.int16(),
        "ratio": pa.float64(),
        "flag": pa.bool_(),
        "day": pa.date32(),
        "moment": pa.timestamp("us", tz="UTC"),
        "names": pa.list_(pa.string()),
    }
)
TABLE = """
CREATE TEMPORARY TABLE copied (
    position int, large bigint, words text, small smallint, ratio double precision, flag boolean, day date,
    moment timestamptz, names text[]
)
"""

storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
values = st.fixed_dictionaries(
    {
        "large": st.none() | st.integers(-(2**63), 2**63 - 1),
        "words": st.none() | storable,
        "small": st.none() | st.integers(-(2**15), 2**15 - 1),
        "ratio": st.none() | st.floats(allow_nan=False),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        # in the time zone of the session, the first and the last hours may be in a year that Python does not have
        "moment": st.none() | st.datetimes(timezones=st.just(dt.UTC)).filter(lambda moment: 1 < moment.year < 9999),
        "names": st.none() | st.lists(storable, max_size=4),
    }
)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    opened = psycopg2.connect(database_url)
    with opened.cursor() as cursor:
        cursor.execute(TABLE)
    yield opened
    opened.close()


def copied(connection: Connection, table: pa.Table) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE copied")
        # a size that cuts through fields
        cursor.copy_expert(
            f"COPY copied ({', '.join(table.column_names)}) FROM STDIN (FORMAT binary)", encode(table), 7
        )
        cursor.execute(f"SELECT {', '.join(table.column_names)} FROM copied ORDER BY position")
        return cursor.fetchall()


def rows_of(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


@given(st.lists(values, min_size=1, max_size=12), st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_value_arrives(connection: Connection, rows: list[dict[str, object]], data: st.DataObject) -> None:
    table = pa.Table.from_pylist([{"position": i, **row} for i, row in enumerate(rows)], schema=SCHEMA)
    begin = data.draw(st.integers(0, len(rows) - 1))
    kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    for some in (table, table.slice(begin), table.filter(pa.array(kept)), table.take([begin])):
        if some.num_rows:
            assert copied(connection, some) == rows_of(some)


def test_lists_that_were_split_and_taken_arrive(connection: Connection) -> None:
    """As the parse rules make them: `split_pattern` with nulls, and one list for several rows."""
    split = pc.split_pattern(pa.array(["Drama,Horror", None, "", "Drama"]), ",")
    table = pa.table({"position": pa.array(range(6), pa.int32()), "names": split.take(pa.array([3, 0, 0, 1, 2, None]))})
    assert copied(connection, table) == rows_of(table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_lower(names, 1) FROM copied WHERE cardinality(names) > 0")
        assert set(cursor.fetchall()) == {(1,)}


def test_a_column_of_one_width_only(connection: Connection) -> None:
    table = pa.table(
        {"position": pa.array([1, 2], pa.int32()), "day": pa.array([dt.date(1, 1, 1), dt.date(9999, 12, 31)])}
    )
    assert copied(connection, table) == rows_of(table)


def test_a_language_is_its_own_number() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    codes = [a + b + c for a in letters for b in letters for c in ["", *letters]]
    numbers = language_numbers(pa.array(codes))
    assert len(set(numbers.to_pylist())) == len(codes)
    assert numbers.to_pylist() == [language_number(code) for code in codes]


@pytest.mark.parametrize("code", ["", "e", "en ", "EN", "english", "e1", "én"])
def test_what_is_no_code_has_no_number(code: str) -> None:
    assert language_number(code) is None
    assert language_numbers(pa.array([code, None])).to_pylist() == [None, None]
