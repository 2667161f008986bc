"""Where stored files are: which addresses are taken, and which storage they open."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from shared.storage.object_store import ObjectStorage
from shared.storage.opening import open_storage, open_storage_in_forking_process, temporary_storage
from tests.conftest import environment

SECRET = "wJalrXUtnFEMI"
AZURE = {"AZURE_STORAGE_ACCOUNT_NAME": "films"}
ASKS_FOR_OBSTORE = """
import sys
from shared.settings import Settings
from shared.storage.opening import open_storage
import {module}
open_storage(Settings(database_url="postgresql://unused.invalid/"))
print("obstore" in sys.modules)
"""


def with_url(url: str) -> Settings:
    return Settings(database_url="postgresql://unused.invalid/", data_dir=Path("data"), storage_url=url)


@pytest.mark.parametrize(
    "url", ["s3://films", "s3://films/", "s3://films/a/b", "gs://films.example/a", "az://films/a_b-c~d", "s3://f/a.b"]
)
def test_a_bucket_is_taken(url: str) -> None:
    with environment(**AZURE):
        assert with_url(url).is_in_bucket
        assert isinstance(open_storage(with_url(url)), ObjectStorage)


@pytest.mark.parametrize(
    "url",
    [
        "s3:",
        "s3://",
        "s3:///a",
        "S3://films",
        "ftp://films/a",
        "http://films/a",
        "/files",
        "films",
        "s3://films/../other",
        "s3://films/a/./b",
        "s3://films/a?endpoint=http://elsewhere.invalid",
        "s3://films/a#b",
        "s3://films:9000/a",
        f"s3://key:{SECRET}@films/a",
        f"az://films/a?sig={SECRET}",
        "s3://films/a b",
        "s3://films/a\n",
        "file://",
        "file:///",
        "file://host/files",
        "file:files",
    ],
)
def test_an_address_that_is_refused_is_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError, match="it must be s3://bucket/prefix") as refused:
        with_url(url)
    assert "storage_url" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "elsewhere" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "directory"), [("", "data/uploads"), ("file:///srv/files", "/srv/files"), ("file:///srv/a b/", "/srv/a b")]
)
def test_a_directory_is_a_directory(url: str, directory: str) -> None:
    for open_one in (open_storage, open_storage_in_forking_process):
        storage = open_one(with_url(url))
        assert isinstance(storage, DirectoryStorage)
        assert storage.directory == Path(directory)


def test_a_bucket_without_what_its_provider_needs_is_refused_before_its_first_use() -> None:
    with pytest.raises(ValueError, match="Account must be specified"):
        open_storage(with_url("az://films"))


def test_a_temporary_storage_leaves_nothing() -> None:
    with temporary_storage() as storage:
        assert isinstance(storage, DirectoryStorage)
        directory = storage.directory
        writer = storage.create("key")
        writer.write(b"film")
        writer.commit()
        assert storage.read("key", 0, 4) == b"film"
    assert not directory.exists()


@pytest.mark.parametrize("module", ["api.main", "shared.ingest.loading.loader"])
def test_with_a_directory_no_process_imports_what_only_buckets_need(module: str) -> None:
    program = ASKS_FOR_OBSTORE.format(module=module)
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
