"""Loads files to begin with, as any client does, and each only if its rows are not there yet.

A file is added to the rows of its dataset (`mode=append`), whatever its dataset says, so it replaces nothing. Two runs
at once load nothing twice: the API takes the same bytes as the same upload.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cli.client.api_client import ApiClient, Params
from cli.client.client_errors import Json, ProblemError, not_sent
from cli.rendering.progress import ProgressView
from cli.seeding.pagila import TableFile
from cli.seeding.samples import Sample
from cli.sending.files import InputFile
from cli.sending.send import follow, send
from shared.catalog.schemas.declaration import Declaration
from shared.catalog.write_mode import WriteMode
from shared.database.state_machine import UploadState

_DATASET_EXISTS: Final = "dataset_exists"


class Seeded(StrEnum):
    """What became of a file."""

    LOADED = "loaded"
    PRESENT = "there already"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True)
class SeedFile:
    """A file to load. `any_of_it`: a filter that finds some of its rows in its dataset, none if that has no others.

    `records`: how many it has, if that is known. `declaration`: of its dataset, unless that is built in.
    """

    path: Path
    dataset: str
    any_of_it: Mapping[str, str]
    records: int | None = None
    declaration: Json | None = None

    @classmethod
    def of_sample(cls, sample: Sample) -> "SeedFile":
        """A sample of the project."""
        return cls(sample.path, sample.dataset, sample.first_record)

    @classmethod
    def of_table(cls, file: TableFile) -> "SeedFile":
        """A table of Pagila."""
        return cls(file.path, file.table.dataset, {}, file.records, file.table.declaration)


@dataclass(frozen=True)
class Result:
    """What became of a file. `rows`: how many of its dataset the tenant has now. `upload`: if it was sent."""

    file: SeedFile
    seeded: Seeded
    rows: int
    upload: Json | None = None

    @property
    def document(self) -> Json:
        """As JSON."""
        found = {"file": self.file.path.name, "dataset": self.file.dataset, "outcome": self.seeded, "rows": self.rows}
        return {**found, "upload": self.upload}


def seed(client: ApiClient, files: Iterable[SeedFile], params: Params, view: ProgressView) -> Iterator[Result]:
    """Load the files one after the other and follow each to its end. Raises `ClientError`."""
    for file in files:
        if file.declaration is not None:
            _declare(client, file.declaration)
        if _rows(client, file, file.any_of_it):
            yield Result(file, Seeded.PRESENT, _rows(client, file, {}))
        elif file.records == 0:
            yield Result(file, Seeded.EMPTY, 0)
        else:
            asked = {"dataset": file.dataset, "mode": WriteMode.APPEND, **params}
            upload = follow(client, send(client, InputFile.at(file.path), asked, view), view)
            is_loaded = upload["state"] == UploadState.COMPLETED
            yield Result(file, Seeded.LOADED if is_loaded else Seeded.FAILED, _rows(client, file, {}), upload)


def _declare(client: ApiClient, document: Json) -> None:
    """Declare the dataset, if it is not; raises `LocalFileError` if there is another one of its name."""
    name = document["name"]
    try:
        client.send_document("POST", "/datasets", document, "name")
    except ProblemError as error:
        if error.document.get("code") != _DATASET_EXISTS:
            raise
        schema = client.document(f"/datasets/{quote(name, safe='')}", "schema")["schema"]
        if schema != Declaration.parse(document).to_json()["schema"]:
            raise not_sent(
                _DATASET_EXISTS, f"The tenant has another dataset {name}; delete it, or choose another tenant."
            ) from error


def _rows(client: ApiClient, file: SeedFile, filters: Mapping[str, str]) -> int:
    params: Params = {"page_size": 1, **filters}
    return int(client.page(f"/datasets/{quote(file.dataset, safe='')}/rows", params)["total"])
