"""docs/errors.md explains every code that a client can see, and no other; the API serves it."""

import base64
import hashlib
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from types import ModuleType
from urllib.parse import urldefrag, urljoin

import httpx
import pytest

import api
import api.server.early_responses
import shared
from api.description.problems import ANY_STATUS, CODE_OF_STATUS, INTERNAL, type_of
from api.http_errors import CodedError, status_of
from api.web.error_page import DOCUMENT, error_page, render
from shared.catalog.registry import Registry
from shared.catalog.schemas.field_types import TYPES, kind_of
from shared.csv.unreadable import UnreadableFile
from shared.errors import IngestError
from shared.ingest.validation import validate
from stack.local import LocalStack
from tests.conftest import ROOT

HEADING = re.compile(r"^### `(\w+)`$", re.MULTILINE)
# As an argument (`code="negative"`) and in SQL (`error_code = 'attempts_exhausted'`).
LITERAL = re.compile(r"""\b(?:error_)?code ?= ?["'](\w+)["']""")


def modules() -> Iterator[ModuleType]:
    """All of the API and of `shared`."""
    for package in (api, shared):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


MODULES = list(modules())


def kinds(*bases: type[CodedError]) -> Iterator[type[CodedError]]:
    """The errors with a code, or these and all that are derived from them, but for those of tests."""
    for base in bases or (IngestError, UnreadableFile):
        if base.__module__.partition(".")[0] in ("api", "shared"):
            yield base
        if derived := base.__subclasses__():
            yield from kinds(*derived)


def problem_codes() -> set[str]:
    return {kind.code for kind in kinds()} | set(CODE_OF_STATUS.values()) | {INTERNAL, ANY_STATUS}


def reject_codes() -> set[str]:
    messages = {code for module in MODULES for code in getattr(module, "MESSAGES", ())}
    registry = Registry.built_in()
    columns = list(registry.columns)
    rules = {column.rule.code for column in columns}
    checks = {check.code for column in columns for check in column.checks}
    row_checks = {check.code for dataset in registry for check in dataset.row_checks}
    kinds_of_fields = [kind_of({"name": "any", "type": type_}) for type_ in TYPES]
    rules |= {kind.rule.code for kind in kinds_of_fields}
    checks |= {check.code for kind in kinds_of_fields for check in kind.checks}
    return messages | rules | checks | row_checks | {validate._REQUIRED[0]}


def literal_codes() -> set[str]:
    paths = [path for package in ("api", "shared", "worker") for path in (ROOT / package).rglob("*.py")]
    return {code for path in paths for code in LITERAL.findall(path.read_text(encoding="utf-8"))}


def paragraphs(*, of_answers: bool = False) -> dict[str, str]:
    """What stands under the heading of each code, or of those that a request is answered with."""
    document = DOCUMENT.read_text(encoding="utf-8")
    _, *parts = HEADING.split(document.partition("\n## Rejects")[0] if of_answers else document)
    return {code: text.partition("\n## ")[0].strip() for code, text in zip(parts[::2], parts[1::2], strict=True)}


class Ids(HTMLParser):
    """Collects the anchors of a page, the addresses that it links to, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.elements: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if "href" in found else []


def test_every_code_is_explained_and_no_other() -> None:
    assert set(paragraphs()) == problem_codes() | reject_codes() | literal_codes()


def test_no_code_is_explained_twice() -> None:
    found = HEADING.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert found
    assert len(found) == len(set(found))


def test_literal_codes_are_found_where_they_stand() -> None:
    assert {"attempts_exhausted", "negative", "ends_before_start"} <= literal_codes()


@pytest.mark.parametrize(("code", "text"), paragraphs().items())
def test_a_paragraph_says_something(code: str, text: str) -> None:
    assert len(text.split()) >= 10, code


@pytest.mark.parametrize(("code", "text"), paragraphs(of_answers=True).items())
def test_a_problem_says_its_status_and_whether_trying_again_helps(code: str, text: str) -> None:
    fact, _, _ = text.partition("\n")
    ours = {kind.code: status_of(kind("")) for kind in kinds()}
    servers = [
        found
        for found in vars(api.server.early_responses).values()
        if isinstance(found, api.server.early_responses.EarlyResponse)
    ]
    ours |= {refusal.code: refusal.status.value for refusal in servers}
    statuses = {**ours, **{name: status for status, name in CODE_OF_STATUS.items()}, INTERNAL: 500}
    expected = "Whether" if code == ANY_STATUS else f"HTTP {statuses[code]}."
    assert re.fullmatch(rf"\*{re.escape(expected)} [Tt]rying again .+\*", fact)


def test_the_page_has_an_anchor_for_each_code_and_every_link_leads_somewhere() -> None:
    page = Ids(error_page())
    assert set(paragraphs()) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_html_in_the_document_is_text() -> None:
    page = render('### `a<b`\n\n<script>alert(1)</script> [x](javascript:alert(1)) <b onclick="x">')
    assert Ids(page).elements <= {"h3", "a", "code", "p"}
    assert Ids(page).links == ["#ab"]


def test_only_the_pages_own_style_is_allowed(stack: LocalStack) -> None:
    answer = httpx.get(f"{stack.api_url}/errors", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == error_page()
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{allowed}'" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not Ids(answer.text).elements & {"script", "img", "link", "iframe"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/movies/1", 404),
        ("GET", "/api/v1/movies?page_size=0", 422),
        ("GET", "/api/v1/movies?cursor=broken", 422),
        ("DELETE", "/api/v1/movies", 405),
        ("PUT", "/api/v1/upload?filename=movies.pdf", 415),
    ],
)
def test_the_type_of_a_problem_leads_to_its_paragraph(stack: LocalStack, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, f"{stack.api_url}{path}", content=b"x", trust_env=False)
    assert answer.status_code == status
    address, anchor = urldefrag(urljoin(str(answer.url), answer.json()["type"]))
    page = httpx.get(address, trust_env=False).raise_for_status()
    assert anchor == answer.json()["code"]
    assert anchor in Ids(page.text).ids


def test_a_status_without_a_code_of_its_own_leads_to_the_paragraph_of_all_these() -> None:
    assert type_of("http_418") == f"/errors#{ANY_STATUS}"
    assert type_of("http_nothing") == "/errors#http_nothing"


def test_the_document_is_in_the_image_and_in_the_wheel() -> None:
    name = DOCUMENT.relative_to(ROOT).as_posix()
    assert f"COPY {name} {name}\n" in (ROOT / "Dockerfile.api").read_text()
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    package = DOCUMENT.parent.name
    assert package in setuptools["packages"]["find"]["include"]
    assert DOCUMENT.name in setuptools["package-data"][package]
