"""`imdb-ingest export`: a file appears when it is complete, and not before."""

import csv
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from stack.local import LocalStack
from tests.system.cli.programs import SAMPLES, Result, run

Client = Callable[..., Result]
# An answer in chunks that ends in the middle.
BROKEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ntitle\n\r\n"


@pytest.fixture
def client(stack: LocalStack, tenant: str) -> Client:
    """Runs a command for this test's tenant, which has the sample's movies."""

    def call(*arguments: str | Path) -> Result:
        return run([*arguments, "--tenant", tenant], INGEST_API_URL=stack.api_url)

    assert call("upload", SAMPLES / "movies.csv", "--wait").code == 3
    return call


def test_the_format_is_that_of_the_files_name(client: Client, tmp_path: Path) -> None:
    for name in ("a.parquet", "a.arrow", "a.jsonl", "a.csv"):
        assert client("export", "movies", "-o", tmp_path / name) == Result(0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.arrow", "a.csv", "a.jsonl", "a.parquet"]
    assert parquet.read_table(tmp_path / "a.parquet").num_rows == 247
    assert pa.ipc.open_stream((tmp_path / "a.arrow").read_bytes()).read_all().num_rows == 247
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 247
    assert len(list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text(), newline="")))) == 248


def test_rows_are_chosen_and_go_to_stdout(client: Client) -> None:
    chosen = ("--where", "original_language=fr", "--sort", "-title", "--fields", "title,original_language")
    rows = list(csv.DictReader(io.StringIO(client("export", "movies", *chosen).out, newline="")))
    titles = [row["title"] for row in rows]
    assert titles
    assert titles == sorted(titles, reverse=True)
    assert {row["original_language"] for row in rows} == {"fr"}
    assert list(rows[0]) == ["title", "original_language", "_id", "_upload_id", "_line", "_extra"]
    assert client("export", "movies", *chosen, "--format", "jsonl").out.startswith('{"title":')


def test_what_the_api_refuses_leaves_no_file(client: Client, tmp_path: Path) -> None:
    refused = client("export", "movies", "--where", "nothing=1", "-o", tmp_path / "a.csv")
    assert refused.code == 1
    assert "nothing" in refused.err
    assert list(tmp_path.iterdir()) == []
    missing = client("export", "movies", "-o", tmp_path / "none" / "a.csv")
    assert (missing.code, "cannot be written" in missing.err) == (1, True)


def test_a_broken_export_leaves_the_older_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("older")
    with breaking() as address:
        broken = run(["export", "movies", "-o", file], INGEST_API_URL=address)
    assert broken.code == 1
    assert broken.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert file.read_text() == "older"


@contextmanager
def breaking() -> Iterator[str]:
    """A server that ends its one answer too early; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(BROKEN)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
