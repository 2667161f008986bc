"""The Postman collection keeps up with the API."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.main import create_app
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = json.loads((ROOT / "postman" / "collection.json").read_text())
METHODS = {"get", "post", "put", "patch", "delete"}


def requests(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item with a request, however deep its folder."""
    if "request" in node:
        yield node
    for child in node.get("item", []):
        yield from requests(child)


ITEMS = list(requests(COLLECTION))


def routes() -> list[tuple[str, str]]:
    """(method, path) of all that the API serves."""
    settings = Settings(database_url="postgresql://nobody@unused.invalid/none", redis_url="redis://unused.invalid/0")
    paths = create_app(settings).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if method in METHODS]


def path_of(item: dict[str, Any]) -> str:
    """The path of a request without the base address."""
    return "/" + "/".join(item["request"]["url"]["path"])


def scripts(item: dict[str, Any], listen: str) -> str:
    """The item's own script for an event."""
    return "\n".join(line for event in item["event"] if event["listen"] == listen for line in event["script"]["exec"])


@pytest.mark.parametrize(("method", "path"), routes())
def test_every_route_has_a_request(method: str, path: str) -> None:
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
    assert [item for item in ITEMS if item["request"]["method"] == method and pattern.fullmatch(path_of(item))]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["name"])
def test_every_request_has_a_test_of_its_own(item: dict[str, Any]) -> None:
    assert "pm.test(" in scripts(item, "test")


def test_names_are_unique_because_polling_goes_by_them() -> None:
    names = [item["name"] for item in ITEMS]
    assert len(set(names)) == len(names)


def test_both_ways_to_upload_and_both_ways_to_load_are_asked_for() -> None:
    uploads = [item["request"] for item in ITEMS if path_of(item) == "/api/v1/upload"]
    assert {upload["method"] for upload in uploads} == {"POST", "PUT"}
    assert {"formdata", "file", "raw"} <= {upload["body"]["mode"] for upload in uploads}
    chosen = {(query["key"], query["value"]) for upload in uploads for query in upload["url"].get("query", [])}
    assert {("use_celery", "true"), ("use_celery", "false")} <= chosen


def test_files_are_there_and_named_from_the_root_of_the_repository() -> None:
    bodies = [item["request"]["body"] for item in ITEMS if "body" in item["request"]]
    sources = [body["file"]["src"] for body in bodies if body["mode"] == "file"]
    sources += [
        part["src"] for body in bodies if body["mode"] == "formdata" for part in body["formdata"] if "src" in part
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).is_file()


def test_every_error_status_of_a_client_is_asked_for() -> None:
    asserted = {int(code) for item in ITEMS for code in re.findall(r"have\.status\((4\d\d)\)", scripts(item, "test"))}
    assert {404, 405, 409, 413, 415, 422} <= asserted


def test_raw_addresses_say_what_their_parts_say() -> None:
    for item in ITEMS:
        url = item["request"]["url"]
        assert url["raw"].partition("?")[0] == "{{baseUrl}}" + path_of(item)


def test_a_key_is_sent_where_there_is_one() -> None:
    environment = json.loads((ROOT / "postman" / "environment.json").read_text())
    for variables in (COLLECTION["variable"], environment["values"]):
        assert [variable["value"] for variable in variables if variable["key"] == "apiKey"] == [""]
    assert 'pm.request.headers.upsert({ key: "X-API-Key"' in scripts(COLLECTION, "prerequest")


def test_newman_is_pinned_and_its_lock_names_no_server() -> None:
    wanted = json.loads((ROOT / "postman" / "package.json").read_text())["dependencies"]["newman"]
    packages = json.loads((ROOT / "postman" / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/newman"]["version"] == wanted
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if name and "integrity" not in package]


def test_the_runner_is_a_valid_script() -> None:
    assert subprocess.run(["sh", "-n", ROOT / "postman" / "run.sh"], check=False).returncode == 0
