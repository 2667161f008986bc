"""A file of no dataset is taken in with one of its own if the client says `auto`, and refused otherwise."""

from pathlib import Path
from typing import Any

import pytest

from shared.catalog.dataset import Dataset
from shared.catalog.registry import Registry
from shared.csv.sniffing.sniff import TextOptions
from shared.csv.unreadable import HeaderMismatch, UnreadableFile
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.headers import UploadHeader
from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from tests.conftest import REGISTRY
from tests.rows import movies
from tests.unit.catalog.declared import declaration

OWN = declaration({"name": "id", "type": "integer"}, "cinema", {"name": "gross", "type": "integer"}).dataset(5)
OFFICE = b"id,cinema,gross\n" + b"".join(b"%d,Rex,%d\n" % (number, number * 100) for number in range(1, 50))


def staged(path: Path, content: bytes, *declared: Dataset, may_infer: bool = True, **options: Any) -> StagedFile:
    settings = Settings(database_url="postgresql://unused.invalid/x", data_dir=path)
    header = UploadHeader(Registry(REGISTRY).with_declared(declared), may_infer=may_infer)
    storage = DirectoryStorage(settings.upload_dir)
    intake = FileIntake(storage, settings, "Box Office.csv", TextOptions(**options), header)
    try:
        intake.feed(content)
        return intake.finish()
    except UnreadableFile:
        intake.abort()
        raise


def types(found: StagedFile) -> list[tuple[str, str]]:
    assert found.inferred is not None
    return [(field["name"], field["type"]) for field in found.inferred.fields]


def test_a_file_of_no_dataset_gets_one_that_its_records_show(tmp_path: Path) -> None:
    found = staged(tmp_path, OFFICE)
    assert types(found) == [("id", "integer"), ("cinema", "string"), ("gross", "integer")]
    assert found.columns.mapped == {"id": "id", "cinema": "cinema", "gross": "gross"}


def test_a_file_of_no_dataset_is_refused_unless_it_may_have_one(tmp_path: Path) -> None:
    with pytest.raises(HeaderMismatch):
        staged(tmp_path, OFFICE, may_infer=False)


def test_a_file_of_a_dataset_gets_none_of_its_own(tmp_path: Path) -> None:
    assert (staged(tmp_path, movies({})).dataset.name, staged(tmp_path, movies({})).inferred) == ("movies", None)
    found = staged(tmp_path, OFFICE, OWN)
    assert (found.dataset, found.inferred) == (OWN, None)


def test_values_that_contradict_the_declared_dataset_make_another_one(tmp_path: Path) -> None:
    """Otherwise nearly all of the file would be rejects."""
    content = OFFICE.replace(b"00\n", b"00 EUR\n")
    found = staged(tmp_path, content, OWN)
    assert types(found) == [("id", "integer"), ("cinema", "string"), ("gross", "string")]
    assert staged(tmp_path, content, OWN, may_infer=False).dataset.name == "own"


def test_a_file_without_a_header_has_columns_by_position(tmp_path: Path) -> None:
    found = staged(tmp_path, OFFICE.partition(b"\n")[2])
    assert types(found) == [("column_1", "integer"), ("column_2", "string"), ("column_3", "integer")]
    assert "no_header" in [warning.code for warning in found.warnings]
    named = staged(tmp_path, OFFICE.partition(b"\n")[2], header=("a", "b", "c"))
    assert [name for name, _ in types(named)] == ["a", "b", "c"]


def test_lines_before_the_header_are_no_records(tmp_path: Path) -> None:
    found = staged(tmp_path, b"Report of 2020\n\n" + OFFICE)
    assert (found.header, found.dialect.header_line) == (["id", "cinema", "gross"], 3)
    assert types(found)[0] == ("id", "integer")


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    """A decimal comma is no certain number, so the column is text and loses nothing."""
    found = staged(tmp_path, b"id;price\n" + b"".join(b"%d;%d,50\n" % (number, number) for number in range(1, 50)))
    assert found.dialect.delimiter == ";"
    assert types(found) == [("id", "integer"), ("price", "string")]


def test_names_that_repeat_or_are_empty_get_one_of_their_own(tmp_path: Path) -> None:
    found = staged(tmp_path, OFFICE.replace(b"id,cinema,gross", b"id,ID,"))
    assert [name for name, _ in types(found)] == ["id", "ID_2", "column_3"]
