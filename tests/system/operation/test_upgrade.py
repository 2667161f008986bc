"""A database of an earlier version is upgraded with its data, and served.

`2026_12_13_reject_totals.sql.gz` is a dump of PostgreSQL 18 that the software of that schema filled over HTTP:

small.csv          a movie and a reject
large.csv          40 movies in a leaf of their own
title.basics.tsv   two titles that replace; then an upsert of one of them, with a new one
gone.csv           undone
cinemas.csv        of a declared dataset
"""

import gzip
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from stack.local import LocalStack
from stack.postgres import PostgresServer
from tests.conftest import execute
from tests.rows import movies
from tests.system.api.sending import Json, wait_for_end

DUMP = Path(__file__).with_name("2026_12_13_reject_totals.sql.gz")


@pytest.fixture(scope="module")
def client(
    servers: Callable[[str], PostgresServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Of an API of now, on the database of before."""
    server, name = servers("18"), f"earlier_{uuid.uuid4().hex}"
    execute(server.url, f"CREATE DATABASE {name}")
    url = server.url_of(name)
    filling = [str(server.bin_dir / "psql"), "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={url}"]
    subprocess.run(filling, input=gzip.decompress(DUMP.read_bytes()), check=True, stdout=subprocess.DEVNULL)
    with (
        LocalStack(tmp_path_factory.mktemp("upgraded"), database_url=url, workers=0) as stack,
        httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30, trust_env=False) as made,
    ):
        yield made


def uploads(client: httpx.Client) -> dict[str, list[Json]]:
    """All uploads by file name, oldest first."""
    found: dict[str, list[Json]] = {}
    for upload in reversed(client.get("/uploads").raise_for_status().json()["items"]):
        found.setdefault(upload["filename"], []).append(upload)
    return found


def titles(client: httpx.Client) -> list[str]:
    found = client.get("/movies", params={"dataset": "title.basics"}).raise_for_status().json()["items"]
    return sorted(title["title"] for title in found)


def total(client: httpx.Client) -> int:
    return int(client.get("/movies").raise_for_status().json()["total"])


def test_everything_is_there_and_old_uploads_are_undone(client: httpx.Client) -> None:
    found = uploads(client)
    assert {name: [upload["state"] for upload in of_name] for name, of_name in found.items()} == {
        "small.csv": ["completed"],
        "large.csv": ["completed"],
        "title.basics.tsv": ["completed", "completed"],
        "gone.csv": ["undone"],
        "cinemas.csv": ["completed"],
    }
    [small], [large], [_replacing, upsert] = found["small.csv"], found["large.csv"], found["title.basics.tsv"]
    assert (total(client), titles(client)) == (44, ["One", "Second", "Three"])
    [cinema] = client.get("/datasets/cinemas/rows").raise_for_status().json()["items"]
    assert (cinema["name"], cinema["seats"]) == ("Odeon", 300)
    [reject] = client.get(f"/uploads/{small['id']}/rejects").raise_for_status().json()["items"]
    assert reject["column"] == "release_date"
    for upload in (upsert, large):
        client.post(f"/uploads/{upload['id']}/undo").raise_for_status()
    assert (total(client), titles(client)) == (3, ["One", "Two"])
    sent = client.post("/upload", params={"filename": "new.csv"}, content=movies({"title": "New"})).raise_for_status()
    assert wait_for_end(client, sent.json()["id"])["state"] == "completed"
    assert total(client) == 4
