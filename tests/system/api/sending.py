"""Files to send, and what is expected of the answers."""

import csv
import io
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from stack.local import LocalStack
from tests.rows import file_of

COLUMNS = (
    *("budget", "homepage", "original_language", "original_title", "overview", "release_date", "revenue", "runtime"),
    *("status", "title", "vote_average", "vote_count", "production_company_id", "genre_id", "languages"),
)
NAMED = {"filename": "movies.csv"}


Json = dict[str, Any]
MovieRows = Iterable[dict[str, object]]


def movies_csv(rows: MovieRows) -> bytes:
    """A file in the shape of the dataset `movies`; what a row does not name is empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def wait_for_end(client: httpx.Client, upload_id: str, seconds: float = 60, pause_seconds: float = 0.1) -> Json:
    """The upload once it is neither queued nor loading."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        upload: Json = client.get(f"/uploads/{upload_id}").raise_for_status().json()
        if upload["state"] not in ("queued", "loading"):
            return upload
        time.sleep(pause_seconds)
    raise AssertionError(f"the upload is still {upload['state']}")


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, problem
    assert problem["type"] == f"/errors#{code}"
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["trace_id"] == answer.headers["x-trace-id"]
    return problem


def load_person(client: httpx.Client) -> int:
    """Loads one person and returns its id."""
    content = file_of("name.basics", {"primaryName": f"Person {uuid.uuid4()}"})
    answer = client.put("/upload", params={"filename": "name.basics.tsv"}, content=content).raise_for_status()
    assert wait_for_end(client, answer.json()["id"])["state"] == "completed"
    return int(client.get("/people").raise_for_status().json()["items"][0]["id"])


def filled(path: str, **values: object) -> str:
    """A route's path with a value for each of its parameters that is named."""
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path


def stored_files(stack: LocalStack) -> set[Path]:
    """Every file of every upload, finished or not."""
    return {path for path in (stack.data_dir / "uploads").glob("**/*") if path.is_file()}
