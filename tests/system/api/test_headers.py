"""Headers that tell a browser what it may do with an answer: on every answer, whatever it is."""

import re
import uuid
from collections.abc import Iterator

import httpx
import pytest

from api.description.public_names import DOCS_ASSETS, DOCS_PATHS
from api.main import create_app
from shared.settings import Settings
from stack.local import LocalStack
from tests.system.api.raw import ask
from tests.system.api.sending import movies_csv

SETTINGS = Settings(database_url="postgresql://nobody@unused.invalid/none", redis_url="redis://unused.invalid/0")
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
PAGES = ("/errors", "/docs", *(f"/docs/{name}" for name in DOCS_ASSETS))
FOREIGN = {"Origin": "https://other.example"}


@pytest.fixture(scope="module")
def client(stack: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.api_url, timeout=30, trust_env=False) as client:
        yield client


def routes() -> list[tuple[str, str]]:
    """Every method and address; ids are those of nothing."""
    paths = create_app(SETTINGS).openapi()["paths"]
    filled = {path: re.sub(r"\{\w+\}", str(uuid.UUID(int=0)), path) for path in paths}
    return [(method.upper(), filled[path]) for path, methods in paths.items() for method in methods]


def check(answer: httpx.Response) -> None:
    found = {name: answer.headers.get(name) for name in ALWAYS}
    assert found == ALWAYS, answer.request.url
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers
    is_page = answer.request.url.path in PAGES and answer.is_success
    # A browser may keep an answer that has a tag, but asks each time whether it is still the same.
    expected = "public, max-age=3600" if is_page else "private, no-cache" if "etag" in answer.headers else "no-store"
    assert answer.headers["cache-control"] == expected


@pytest.mark.parametrize(("method", "path"), [*routes(), *(("GET", path) for path in sorted(DOCS_PATHS))])
def test_every_answer_has_them(client: httpx.Client, method: str, path: str) -> None:
    check(client.request(method, path))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/redoc", 404),
        ("DELETE", "/api/v1/movies", 405),
        ("GET", "/api/v1/movies?page_size=0", 422),
        ("PUT", "/api/v1/upload?filename=a.pdf", 415),
    ],
)
def test_every_error_has_them(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, content=b"x")
    assert answer.status_code == status
    check(answer)


def test_what_never_reached_the_application_has_them(stack: LocalStack) -> None:
    answer = ask(stack.api, b"no HTTP\r\n\r\n")
    assert answer is not None
    assert answer.code == "malformed_request"
    assert {name: answer.headers.get(name.lower()) for name in ALWAYS} == ALWAYS
    assert answer.headers["cache-control"] == "no-store"


def test_a_refused_file_has_them(small_limit: LocalStack) -> None:
    answer = httpx.put(
        f"{small_limit.api_url}/api/v1/upload?filename=a.csv", content=b"x" * 2 * 1024 * 1024, trust_env=False
    )
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Its pages of other origins may read what they are allowed to.
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_no_foreign_page_is_let_in(client: httpx.Client, small_limit: LocalStack) -> None:
    for url in (str(client.base_url), small_limit.api_url):
        for origin in (
            {"Origin": "https://other.example"},
            {"Origin": "null"},
            {"Origin": "https://films.example.evil"},
        ):
            asked = origin | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-tenant"}
            for answer in (
                httpx.get(f"{url}/api/v1/movies", headers=origin, trust_env=False),
                httpx.options(f"{url}/api/v1/movies", headers=asked, trust_env=False),
            ):
                assert "access-control-allow-origin" not in answer.headers
                assert "access-control-allow-credentials" not in answer.headers


def test_credentials_are_never_allowed_not_even_to_a_known_page(small_limit: LocalStack) -> None:
    known = {"Origin": "https://films.example", "Cookie": "session=1"}
    answer = httpx.get(f"{small_limit.api_url}/api/v1/movies", headers=known, trust_env=False)
    assert answer.headers["access-control-allow-origin"] == "https://films.example"
    assert "access-control-allow-credentials" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_a_download_is_an_attachment_and_its_name_is_ours(mine: httpx.Client) -> None:
    content = movies_csv([{"title": "", "vote_average": "11"}])
    name = 'x".csv"; filename="evil.html\r\nSet-Cookie: a=b.csv'
    upload = mine.post("/upload", params={"filename": name}, content=content).json()
    while mine.get(f"/uploads/{upload['id']}").json()["state"] in ("queued", "loading"):
        pass
    for spreadsheet in ("false", "true"):
        answer = mine.get(f"/uploads/{upload['id']}/rejects", params={"format": "csv", "spreadsheet": spreadsheet})
        assert answer.headers["content-disposition"] == f'attachment; filename="rejects-{upload["number"]}.csv"'
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        assert answer.text.removeprefix("\ufeff").startswith('"_sheet_line"' if spreadsheet == "true" else "_line")
