"""`/docs` on a machine without a network: all that the page loads comes from the API, and its policy allows no more."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest

from api.description.public_names import DOCS_ASSETS, DOCS_PATHS
from stack.local import LocalStack
from tests.system.api.raw import ask, head

MEDIA_TYPES = {"script": "text/javascript; charset=utf-8", "a": "application/json"}
MEDIA_TYPES_OF_LINKS = {"stylesheet": "text/css; charset=utf-8", "icon": "image/png"}
POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
}


class Page(HTMLParser):
    """Its elements with their attributes, and the text between tags by the element that it is in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        last = self.elements[-1][0] if self.elements else ""
        self.texts[last] = self.texts.get(last, "") + data.strip()

    @property
    def addresses(self) -> dict[str, str]:
        """Every address in it, with the media type that a browser needs there."""
        return {
            attributes[name]: MEDIA_TYPES_OF_LINKS[attributes["rel"]] if tag == "link" else MEDIA_TYPES[tag]
            for tag, attributes in self.elements
            for name in ("src", "href", "url", "action", "data")
            if name in attributes
        }


@pytest.fixture(scope="module")
def client(stack: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.api_url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def answer(client: httpx.Client) -> httpx.Response:
    return client.get("/docs").raise_for_status()


def test_everything_that_the_page_names_is_served(client: httpx.Client, answer: httpx.Response) -> None:
    addresses = Page(answer.text).addresses
    assert set(addresses) | {"/docs"} == DOCS_PATHS
    for address, media_type in addresses.items():
        found = client.get(address)
        assert (found.status_code, found.headers["content-type"]) == (200, media_type), address
        assert found.content
    assert 'url: "/openapi.json"' in client.get("/docs/initializer.js").text
    assert "SwaggerUIBundle" in client.get("/docs/swagger-ui-bundle.js").text
    assert ".swagger-ui" in client.get("/docs/swagger-ui.css").text
    assert client.get("/docs/favicon-32x32.png").content.startswith(b"\x89PNG")


def test_no_address_of_another_host_is_in_it(client: httpx.Client, answer: httpx.Response) -> None:
    for text in (answer.text, client.get("/docs/initializer.js").text):
        assert "//" not in text
        assert not re.search(r"\b(?:[a-z0-9-]+\.)+(?:com|io|net|org)\b", text)
    styles = client.get("/docs/swagger-ui.css").text
    assert "@import" not in styles
    assert {address[:5] for address in re.findall(r"url\(\s*[\"']?([^)]*)", styles)} == {"data:"}
    # What Swagger UI would otherwise ask, with the API's address.
    assert "validatorUrl: null" in client.get("/docs/initializer.js").text


def test_the_policy_is_what_the_page_needs(answer: httpx.Response) -> None:
    sent = answer.headers["content-security-policy"].split(";")
    assert dict(part.strip().partition(" ")[::2] for part in sent) == POLICY
    page = Page(answer.text)
    assert {tag for tag, _ in page.elements}.isdisjoint({"style", "iframe", "object", "base", "form"})
    assert page.texts.get("script", "") == ""  # what is between <script> and </script>
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("name", DOCS_ASSETS)
def test_an_asset_may_be_kept_and_run_by_nobody_else(client: httpx.Client, name: str) -> None:
    headers = client.get(f"/docs/{name}").headers
    assert headers["cache-control"] == "public, max-age=3600"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        *("/docs/", "/docs/__init__.py", "/docs/../main.py", "/docs/%2e%2e/main.py", "/docs/..%2fmain.py"),
        *("/docs/resources/swagger-ui.css", "/docs/swagger-ui.css/", "/docs/swagger-ui.css%00.py", "/docs//etc/passwd"),
        *("/docs/swagger-ui.css/../__init__.py", "/docs/SWAGGER-UI.CSS", "/docs/swagger-ui-bundle.js.map"),
    ],
)
def test_nothing_beside_them_is_served(stack: LocalStack, path: str) -> None:
    found = ask(stack.api, head(f"GET {path}", "Connection: close", host=f"127.0.0.1:{stack.api.port}"))
    assert found is not None
    assert (found.status, found.code) == (404, "route_not_found")
