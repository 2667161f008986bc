"""Files to send, and what is expected of the answers."""

import csv
import io
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from stack.local import LocalStack

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


def stored_files(stack: LocalStack) -> set[Path]:
    """Every file of every upload, finished or not."""
    return {path for path in (stack.data_dir / "uploads").glob("**/*") if path.is_file()}
