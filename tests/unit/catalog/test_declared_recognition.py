"""A tenant's own dataset goes first for files whose whole header it knows, and for no others."""

from dataclasses import replace

import pytest

from shared.catalog.dataset import Dataset
from shared.catalog.registry import Registry
from shared.csv.sniffing.sniff import TextOptions
from shared.csv.unreadable import AmbiguousDataset, HeaderMismatch
from shared.ingest.intake.headers import InferredHeader, UnknownHeader, UploadHeader
from tests.conftest import REGISTRY
from tests.rows import MOVIES_HEADER
from tests.unit.catalog.declared import declaration

INTEGER = {"type": "integer"}
TEXT = TextOptions()
OFFICE = declaration({"name": "id", **INTEGER}, "cinema", {"name": "gross", **INTEGER}, primaryKey="id").dataset(1)


def registry(*datasets: Dataset) -> Registry:
    return REGISTRY.with_declared(datasets)


def test_a_header_that_is_known_completely_is_of_the_declared_dataset() -> None:
    own = registry(OFFICE)
    assert own.recognise(["id", "cinema", "gross"]).name == "own"
    assert own.recognise(["GROSS", "Id", "cinema"]).name == "own"
    assert own.recognise(["id", "gross"]).columns.missing == ["cinema"]
    assert own.recognise(["id"], sample=[["1"]]).name == "own"


def test_a_declared_dataset_goes_before_a_built_in_one() -> None:
    films = declaration(*MOVIES_HEADER, "more").dataset(1)
    assert REGISTRY.recognise(MOVIES_HEADER).name == "movies"
    assert registry(films).recognise(MOVIES_HEADER).name == "own"
    assert registry(films).recognise(MOVIES_HEADER, "movies").name == "movies"


def test_a_header_with_unknown_names_is_judged_as_always() -> None:
    two = declaration("title", "budget").dataset(1)
    assert registry(two).recognise(["title", "budget"]).name == "own"
    assert registry(two).recognise(MOVIES_HEADER).name == "movies"


def test_a_header_without_a_required_field_is_not_of_the_declared_dataset() -> None:
    with pytest.raises(HeaderMismatch):
        registry(OFFICE).recognise(["cinema", "gross"])


def test_the_smaller_of_two_declared_datasets_that_know_the_header_goes_first() -> None:
    fields = ({"name": "id", **INTEGER}, "cinema", {"name": "gross", **INTEGER}, "a", "b", "c", "d")
    wide = replace(declaration(*fields).dataset(2), name="wide")
    for datasets in ((OFFICE, wide), (wide, OFFICE)):
        assert registry(*datasets).recognise(["id", "cinema", "gross"]).name == "own"


def test_two_declared_datasets_that_are_equally_near_are_ambiguous() -> None:
    twin = replace(OFFICE, name="twin", declaration=2, table=declaration("x").dataset(2).table)
    with pytest.raises(AmbiguousDataset) as raised:
        registry(OFFICE, twin).recognise(["id", "cinema", "gross"])
    assert {"own", "twin"} <= {candidate["dataset"] for candidate in raised.value.fields["candidates"]}
    assert registry(OFFICE, twin).recognise(["id", "cinema", "gross"], "twin").name == "twin"


def test_a_name_of_a_built_in_dataset_stays_its_own() -> None:
    movies = replace(OFFICE, name="movies")
    assert registry(movies).get("movies").declaration is None


def test_values_that_contradict_a_declared_dataset_make_a_new_one_only_if_they_may() -> None:
    header, rows = ["id", "cinema", "gross"], [["1", "x", "much"], ["2", "y", "little"]]
    may, may_not = (UploadHeader(registry(OFFICE), may_infer=allowed) for allowed in (True, False))
    with pytest.raises(HeaderMismatch, match="the values are not those of own: gross"):
        may.decide(header, rows)
    assert may.decide(header, [["1", "x", "2"]]).name == "own"
    found = may.otherwise(b"id,cinema,gross\n1,x,much\n2,y,little\n", TEXT)
    assert found is not None
    assert found[1] == InferredHeader(3)
    assert may_not.otherwise(b"id,cinema,gross\n", TEXT) is None


def test_an_unknown_header_matches_nothing_and_leads_to_the_shape() -> None:
    header = UnknownHeader()
    with pytest.raises(HeaderMismatch):
        header.match(["a"])
    with pytest.raises(HeaderMismatch):
        header.decide(["a"], [])
    options, matcher = header.otherwise(b"1;2\n3;4\n", TEXT)
    assert (options.delimiter, options.header, matcher) == (";", (), InferredHeader(2))


def test_an_inferred_header_has_the_width_of_the_table() -> None:
    matcher = InferredHeader(2)
    assert [column.name for column in matcher.match(["a", ""]).dataset.columns] == ["a", "column_2"]
    assert InferredHeader(3).names(["a", "b"]) == ["a", "b", "column_3"]
    with pytest.raises(HeaderMismatch, match="1 names, and most records have 2"):
        matcher.match(["a"])
    assert (matcher.distance(["a", "b"]), matcher.distance(["a"])) == (0.0, 1.0)
