"""docs/SECURITY.md keeps what it says: every test that it names is there, and has been seen to fail."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.seeded_bugs.bugs import BUGS
from tests.seeded_bugs.requirements import caught_by, requirements

DOCUMENT = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")
REQUIREMENTS = requirements()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", DOCUMENT)))
# Tests of the table that no seeded bug shows to fail, and why.
UNSEEDED = {
    "tests/unit/csv/test_torture.py": "it reads collections that are no part of the project, and skips without them",
}

# The one package that asks addresses which clients name.
FETCHING = ROOT / "shared" / "fetching"
# It asks the bucket that an operator names.
STORAGE = ROOT / "shared" / "storage"
# What opens a connection to somewhere else; of our own servers, psycopg2, asyncpg, redis and Celery know the way.
OUTGOING = {
    *("aiohttp", "asyncssh", "boto3", "botocore", "ftplib", "grpc", "http.client", "httpcore", "httpx", "imaplib"),
    *(
        "paramiko",
        "pycurl",
        "requests",
        "smtplib",
        "socket",
        "ssl",
        "telnetlib",
        "urllib.request",
        "urllib3",
        "websockets",
    ),
    *("xmlrpc", "poplib", "nntplib", "obstore"),
}


def test_every_requirement_has_a_row() -> None:
    assert set(REQUIREMENTS) == {f"S{number}" for number in range(1, 23)}


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_row_names_its_tests(requirement: str) -> None:
    assert REQUIREMENTS[requirement]


@pytest.mark.parametrize("test", sorted({test for tests in REQUIREMENTS.values() for test in tests}))
def test_each_test_of_the_table_can_fail(test: str) -> None:
    """`make seeded-bugs` removes the guards, one at a time."""
    assert bool(caught_by(test, BUGS)) != (test in UNSEEDED)


@pytest.mark.parametrize(("path", "function"), NAMED)
def test_a_named_test_is_there(path: str, function: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^def {function or 'test_'}", source, re.MULTILINE)
    if function:
        assert re.search(rf"^def {function}\(", source, re.MULTILINE)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("package", ["api", "worker", "shared"])
def test_only_what_fetches_files_opens_connections_to_elsewhere(package: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / package).rglob("*.py")
        if not {FETCHING, STORAGE} & set(path.parents)
        for name in imports(path)
        if any(name == outgoing or name.startswith(f"{outgoing}.") for outgoing in OUTGOING)
    }
    # The name of this machine, for the ledger and for spans, and what an unknown name raises: these open nothing.
    names = ("api/description/problems.py", "shared/ingest/work.py", "shared/observability/otlp.py")
    assert found <= {f"{path}: socket" for path in names}
