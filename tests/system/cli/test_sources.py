"""`sources`, and `upload` of an address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.local import LocalStack
from tests.conftest import ONE_LOADER
from tests.file_server import FileServer
from tests.rows import movies
from tests.system.cli.programs import Result, run

MOVIES = movies({}, {"title": "Other"})


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack that may ask IMDb's server, and does not look for an hour what is due."""
    settings = {"INGEST_PULL_HOSTS": "datasets.imdbws.com", "INGEST_SWEEP_INTERVAL_SECONDS": "3600", **ONE_LOADER}
    with LocalStack(tmp_path, workers=0, settings=settings) as running:
        yield running


def command(stack: LocalStack, tenant: str, *arguments: str) -> Result:
    return run([*arguments, "--tenant", tenant, "--api-url", stack.api_url])


def test_a_source_is_added_run_shown_and_removed(pulling: LocalStack, file_server: FileServer, tenant: str) -> None:
    address = file_server.file("/movies.csv", MOVIES)
    added = command(pulling, tenant, "sources", "add", "films", address, "--dataset", "movies", "--mode", "replace")
    assert added.code == 0, added.err
    assert "films" in added.out
    ran = command(pulling, tenant, "sources", "run", "films", "--wait", "--json")
    assert (ran.code, ran.document["state"], ran.document["records"]["loaded"]) == (0, "completed", 2), ran.err
    again = command(pulling, tenant, "sources", "run", "films", "--wait", "--json")
    assert again.document["id"] == ran.document["id"]
    said = command(pulling, tenant, "sources", "run", "films", "--wait").out
    assert f"movies.csv: unchanged, upload {ran.document['id']}" in said
    shown = command(pulling, tenant, "sources", "show", "films", "--json").document
    assert [pull["state"] for pull in shown["pulls"]["items"]] == ["unchanged", "unchanged", "fetched"]
    assert "unchanged" in command(pulling, tenant, "sources", "show", "films").out
    assert command(pulling, tenant, "sources", "remove", "films").out == "The source films is gone.\n"
    assert command(pulling, tenant, "sources", "list", "--json").document == {"items": []}
    assert command(pulling, tenant, "sources", "remove", "films").code == 1


def test_an_address_is_uploaded(pulling: LocalStack, file_server: FileServer, tenant: str) -> None:
    sent = command(pulling, tenant, "upload", file_server.file("/movies.csv", MOVIES), "--wait", "--json")
    assert (sent.code, sent.document["filename"], sent.document["state"]) == (0, "movies.csv", "completed"), sent.err
    gone = file_server.answer("/gone.csv", lambda handler: handler.send(404))
    failed = command(pulling, tenant, "upload", gone, "--wait")
    assert (failed.code, "fetch_refused" in failed.out) == (4, True)
    refused = command(pulling, tenant, "upload", "https://elsewhere.example/movies.csv")
    assert (refused.code, "elsewhere.example" in refused.err) == (1, True)


def test_imdbs_files_are_sources(resting: LocalStack, tenant: str) -> None:
    added = command(resting, tenant, "sources", "add-imdb", "--json").document["items"]
    assert {source["name"] for source in added} >= {"imdb-title-basics", "imdb-name-basics"}
    assert len(added) == 7
    for source in added:
        assert source["url"] == f"https://datasets.imdbws.com/{source['dataset']}.tsv.gz"
        assert (source["mode"], source["every_minutes"]) == ("replace", 1440)
