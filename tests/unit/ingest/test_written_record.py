"""A record that a person writes, as the file and the row that it becomes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.datasets.manual import DATASET as MANUAL
from shared.catalog.hand_made import hand_made
from shared.catalog.tables.movies import TABLE
from shared.errors import InvalidRecord
from shared.ingest.manual.record import write
from tests.conftest import REGISTRY

# What JSON can say and a cell can hold.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
SOME = st.none() | st.integers(0, 60_000)
OF_MOVIES = [dataset.name for dataset in REGISTRY if dataset.table is TABLE]


def row_of(values: dict[str, Any], extra: dict[str, str] | None = None) -> dict[str, Any]:
    [row] = write(hand_made(MANUAL), values, extra or {}).row.to_pylist()
    return {name: row[name] for name in values}


@settings(max_examples=300, deadline=None)
@given(title=TEXTS, overview=TEXTS, genres=st.lists(TEXTS, max_size=3), extra=st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_any_text_is_kept_as_it_is(title: str, overview: str, genres: list[str], extra: dict[str, str]) -> None:
    """Also one that a file would show as something else: a quote, a line end, a word for null."""
    values = {"title": f"x{title}", "overview": overview, "genres": genres}
    assert row_of(values, extra) == values


@settings(max_examples=100, deadline=None)
@given(runtime=SOME, votes=st.integers(0, 2**63 - 1), average=st.floats(0, 10), adult=st.none() | st.booleans())
def test_any_number_is_kept_as_it_is(runtime: int | None, votes: int, average: float, adult: bool | None) -> None:
    values = {"title": "A", "runtime": runtime, "vote_count": votes, "vote_average": average, "is_adult": adult}
    assert row_of(values) == values


@pytest.mark.parametrize(
    "text", ["NULL", "nan", "\\N", " spaced ", "title", '"', "=1+1", "a;b\tc", "'", "\ufeffx", "ÃŸ"]
)
def test_a_text_that_means_something_elsewhere_is_a_text(text: str) -> None:
    assert row_of({"title": text, "overview": text}) == {"title": text, "overview": text}


def test_what_is_kept_beside_the_fields_may_have_their_names() -> None:
    record = write(hand_made(MANUAL), {"title": "A"}, {"title": "b", "genres": "c"})
    [row] = record.row.to_pylist()
    assert (row["title"], row["genres"]) == ("A", None)
    assert row["extra"].endswith('{"title": "b", "genres": "c"}')


@pytest.mark.parametrize("name", OF_MOVIES)
def test_each_dataset_of_movies_can_be_written(name: str) -> None:
    """By hand its records have the fields that its files have, and its checks."""
    dataset, written = REGISTRY.get(name), hand_made(REGISTRY.get(name))
    assert {column.field for column in written.columns} == {column.field for column in dataset.columns}
    with pytest.raises(InvalidRecord) as refused:
        write(written, {}, {})
    assert {error["code"] for error in refused.value.fields["errors"]} == {"required"}


def test_a_row_without_a_key_gets_none() -> None:
    columns = hand_made(REGISTRY.get("films"), has_key=False).column_names
    assert "title" in columns
    assert "source_id" not in columns
