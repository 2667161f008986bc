"""Everything is lost, and restored from a backup: `imdb-ingest backup` and `imdb-ingest restore`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.generate import movies as generate_movies
from stack.local import LocalStack
from tests.everything import files_in, rows_of
from tests.rows import movies
from tests.system.api.keyed import UNLIMITED, client_with, key_for
from tests.system.api.sending import Json, wait_for_end
from tests.system.api.test_declared import DECLARATION, FILE
from tests.system.api.titles import titles_csv
from tests.system.cli.programs import run
from tests.unit.shots.drawing import encoded, striped

SETTINGS = {
    "INGEST_BATCH_BYTES": "65536",
    "INGEST_SMALL_UPLOAD_BYTES": "131072",
    "INGEST_LEASE_SECONDS": "2",
    "INGEST_REQUIRE_KEYS": "true",
    **UNLIMITED,
}
ROWS = 4_000
LOADED = {"read": ROWS, "loaded": ROWS - ROWS // 100, "rejected": ROWS // 100, "duplicate": 0}


def upload(client: httpx.Client, name: str, content: bytes, **params: Any) -> Json:
    answer = client.post("/upload", params={"filename": name, **params}, content=content)
    assert answer.status_code in (200, 202), answer.text
    document: Json = answer.json()
    return document


def loaded(client: httpx.Client, name: str, content: bytes, **params: Any) -> Json:
    return wait_for_end(client, upload(client, name, content, **params)["id"])


def correct(client: httpx.Client, parent: Json) -> None:
    path = f"/uploads/{parent['id']}/rejects"
    rejects = client.get(path, params={"format": "csv"}).raise_for_status().content
    answer = client.post(
        path, params={"filename": "rejects.csv"}, content=rejects.replace(b"later", b"2001-01-01")
    ).raise_for_status()
    assert wait_for_end(client, answer.json()["id"])["records"]["loaded"] == 1


def fill(client: httpx.Client) -> dict[str, Json]:
    """Small and large uploads with rejects, a correction, an upsert, an undo, a declared dataset, a shot."""
    made = {"large": loaded(client, "large.csv", "".join(generate_movies(ROWS)).encode())}
    made["small"] = loaded(client, "small.csv", movies({"title": "Alpha"}, {"release_date": "later"}), use_celery=False)
    assert [made[name]["state"] for name in made] == ["completed"] * 2
    correct(client, made["small"])
    made["undone"] = loaded(client, "undone.csv", movies({"title": "Gone"}))
    client.post(f"/uploads/{made['undone']['id']}/undo").raise_for_status()
    made["titles"] = loaded(client, "title.basics.tsv", titles_csv({1: "One", 2: "Two"}))
    made["upsert"] = loaded(client, "title.basics.tsv", titles_csv({2: "Second", 3: "Three"}), mode="upsert")
    client.post("/datasets", json=DECLARATION).raise_for_status()
    made["declared"] = loaded(client, "box office.csv", FILE.encode(), dataset="box_office")
    movie = client.get("/movies", params={"title": "One"}).raise_for_status().json()["items"][0]
    client.post(f"/movies/{movie['id']}/shots", content=encoded(striped(), "PNG")).raise_for_status()
    return made


def in_the_middle(client: httpx.Client, stack: LocalStack) -> Json:
    """A large upload whose only worker is gone before it is loaded."""
    begun = upload(client, "begun.csv", "".join(generate_movies(ROWS, seed=2)).encode(), use_celery=True)
    while client.get(f"/uploads/{begun['id']}").raise_for_status().json()["progress"]["percent"] == 0:
        pass
    stack.worker.kill()
    shown: Json = client.get(f"/uploads/{begun['id']}").raise_for_status().json()
    assert shown["state"] == "loading"
    assert 0 < shown["progress"]["percent"] < 100
    return shown


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("operation") / "old", settings=SETTINGS, worker_concurrency=1) as running:
        yield running


def test_after_everything_is_lost_everything_is_there_again(old: LocalStack, tmp_path: Path) -> None:
    key = key_for(old, "films", scopes=("read", "upload", "admin"))
    with client_with(old, key) as client:
        made = fill(client)
        begun = in_the_middle(client, old)
    old.api.stop()
    before, files = rows_of(old.database_url), files_in(old.data_dir)
    backed_up = run(["backup", tmp_path / "backup", "--data-dir", old.data_dir])
    assert backed_up.code == 0, backed_up.err
    old.kill()
    shutil.rmtree(old.data_dir)

    new = LocalStack(tmp_path / "new", settings=SETTINGS)
    restored = run(["restore", tmp_path / "backup", "--data-dir", new.data_dir])
    assert restored.code == 0, restored.err
    new.start_database()
    try:
        after = rows_of(new.database_url)
    finally:
        new.stop()
    assert {name for name in before if before[name] != after.get(name)} | (set(after) - set(before)) == set()
    assert files_in(new.data_dir) == files
    with new, client_with(new, key) as client:
        assert wait_for_end(client, begun["id"])["records"] == LOADED
        total = client.get("/movies").raise_for_status().json()["total"]
        client.post(f"/uploads/{made['large']['id']}/undo").raise_for_status()
        client.post(f"/uploads/{made['upsert']['id']}/undo").raise_for_status()
        titles = client.get("/movies", params={"dataset": "title.basics"}).raise_for_status().json()["items"]
        assert sorted(title["title"] for title in titles) == ["One", "Two"]
        assert client.get("/movies").raise_for_status().json()["total"] == total - LOADED["loaded"] - 1
        again = loaded(client, "again.csv", movies({"title": "After"}))
        assert again["state"] == "completed"
