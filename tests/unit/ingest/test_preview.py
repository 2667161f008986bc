"""A preview shows what a file would become, from its beginning alone: nothing of it is stored."""

import bz2
import gzip
import json
import zlib
from typing import Any

import pytest

from shared.catalog.schemas.declaration import Declaration
from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.sniffing.sniff import TextOptions
from shared.csv.unreadable import EmptyFile, UnreadableFile
from shared.ingest.preview.beginning import Beginning
from shared.ingest.preview.preview import preview
from shared.settings import Settings
from tests.rows import movies, titles
from tests.unit.catalog.declared import declaration

SETTINGS = Settings(database_url="postgresql://unused.invalid/x")
OFFICE = b"id,cinema,gross\n" + b"".join(b"%d,Rex,%d\n" % (number, number * 100) for number in range(1, 50))


def shown(content: bytes, filename: str = "box office.csv", *, is_whole: bool = True, **said: Any) -> dict[str, Any]:
    options = {"member": None, "dataset": None, "mapping": {}, "schema": TableSchema(), "declarations": ()} | said
    return preview(Beginning(content, is_whole, filename, TextOptions(), **options), SETTINGS)


def test_a_file_of_a_dataset_is_shown_as_it_would_load() -> None:
    found = shown(movies({}, {"title": ""}, {"budget": "much"}))
    assert (found["dataset"], found["error"]) == ("movies", None)
    assert found["records"] == {"read": 3, "rejected": 2}
    assert [row["title"] for row in found["rows"]] == ["A Film"]
    assert [(reject["line_number"], reject["column"], reject["code"]) for reject in found["rejects"]] == [
        (3, "title", "required"),
        (4, "budget", "not_a_whole_number"),
    ]
    assert found["candidates"][0]["dataset"] == "movies"


def test_a_file_of_no_dataset_is_shown_with_a_declaration_that_loads_it() -> None:
    found = shown(OFFICE)
    assert (found["dataset"], found["error"]["code"]) == (None, "header_mismatch")
    assert found["rows"][0] == {"id": 1, "cinema": "Rex", "gross": 100, "_line": 2, "_extra": None}
    assert len(found["rows"]) == 20
    assert found["records"] == {"read": 49, "rejected": 0}
    declared = Declaration.parse(found["declaration"])
    assert (declared.name, [field["type"] for field in declared.fields]) == (
        "box_office",
        ["integer", "string", "integer"],
    )


def test_a_declared_dataset_of_the_tenant_is_known() -> None:
    own = declaration({"name": "id", "type": "integer"}, "cinema", {"name": "gross", "type": "number"})
    found = shown(OFFICE, declarations=[(7, json.dumps(own.to_json()))])
    assert (found["dataset"], found["rows"][0]["gross"]) == ("own", 100.0)


def test_what_the_client_says_counts_as_for_an_upload() -> None:
    content = b"name,day\nA Film,31/12/1999\n"
    schema = TableSchema.from_json({"fields": [{"name": "day", "format": "%d/%m/%Y"}]})
    found = shown(content, dataset="films", mapping={"name": "title", "day": "release_date"}, schema=schema)
    assert (found["dataset"], str(found["rows"][0]["release_date"])) == ("films", "1999-12-31")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lambda content: content], ids=["gz", "bz2", "plain"])
def test_the_beginning_of_a_file_is_enough(pack: Any) -> None:
    """The last record is cut off, so it is not shown."""
    content = titles(*[{}] * 20_000)
    packed = pack(content)
    filename = "title.basics.tsv" + {gzip.compress: ".gz", bz2.compress: ".bz2"}.get(pack, "")
    found = shown(packed[: -len(packed) // 10], filename, is_whole=False)
    assert found["dataset"] == "title.basics"
    assert found["records"]["read"] > 1_000
    assert found["records"]["rejected"] == 0


def test_what_is_no_table_is_an_error() -> None:
    with pytest.raises(EmptyFile):
        shown(b"")
    with pytest.raises(UnreadableFile):
        shown(zlib.compress(OFFICE), "x.csv.gz")


def test_nothing_of_it_is_stored(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shown(OFFICE)
    assert list(tmp_path.iterdir()) == []
