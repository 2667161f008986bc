"""What is installed: nothing older than the repair of a weakness that concerns us, every file by its hash."""

import json
import re
import subprocess
import sys
import tomllib

import pytest

from tools.audit import main as audit
from tools.lock import LOCKS, ROOT, Locked, locked
from tools.sbom import document

# package: the first version without it, and the weakness. Those of what reads a stranger's bytes, and of what others
# had to repair in what we use; pip-audit knows all others, where it can ask.
REPAIRED = {
    "starlette": ("1.6", "GHSA-7f5h-v6xp-fcq8 (Range), GHSA-f96h-pmfr-66vw (forms), CVE-2025-54121; body limits"),
    "h11": ("0.16.0", "CVE-2025-43859: chunked bodies, smuggling"),
    "uvicorn": ("0.11.7", "CVE-2020-7694: log injection, CVE-2020-7695: response splitting"),
    "multipart": ("1.3.1", "CVE-2026-28356: backtracking in option headers"),
    "websockets": ("9.1", "CVE-2021-33880"),
    "pydantic": ("2.4.0", "CVE-2024-3772: backtracking"),
    "orjson": ("3.9.15", "CVE-2024-27454: recursion"),
    "markdown-it-py": ("2.2.0", "CVE-2023-26302, CVE-2023-26303"),
    "celery": ("5.7.0", "GHSA-q4xr-rc97-m4xx; masks the broker's password in logs"),
    "kombu": ("5.7.0", "goes with celery"),
    "redis": ("4.5.4", "CVE-2023-28858, CVE-2023-28859: answers of other requests"),
    "flower": ("2.0", "CVE-2022-30034: login that can be passed by"),
    "tornado": ("6.5.0", "CVE-2025-47287, CVE-2024-52804"),
    "pyarrow": ("14.0.1", "CVE-2023-47248"),
    "sqlalchemy": ("1.3.3", "CVE-2019-7164"),
    "mako": ("1.2.2", "CVE-2022-40023"),
    "certifi": ("2024.7.4", "CVE-2024-39689"),
    "idna": ("3.7", "CVE-2024-3651"),
    "pygments": ("2.15.1", "CVE-2022-40896"),
    "pyyaml": ("5.4", "CVE-2020-14343"),
    "setuptools": ("78.1.1", "CVE-2025-47273"),
    "requests": ("2.32.4", "CVE-2024-35195, CVE-2024-47081"),
    "urllib3": ("2.6.3", "CVE-2025-50181, CVE-2025-66418, CVE-2026-21441"),
    "werkzeug": ("3.0.6", "CVE-2024-34069, CVE-2024-49767"),
    "filelock": ("3.20.1", "CVE-2025-68146"),
    "pip": ("25.3", "CVE-2025-8869"),
}
# Forms are parsed by `multipart`; this one's list of weaknesses is long, and it must not come back by accident.
UNWANTED = {"python-multipart", "pickle5", "pyjwt", "python-jose"}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_is_older_than_the_repair_of_a_weakness(lock: str) -> None:
    packages = list(locked(lock))
    assert len(packages) > 50
    old = {
        f"{package.name} {package.version}: {REPAIRED[package.name]}"
        for package in packages
        if package.name in REPAIRED and numbers(package.version) < numbers(REPAIRED[package.name][0])
    }
    assert old == set()


def test_the_table_names_packages_that_are_there() -> None:
    present = {package.name for lock in LOCKS for package in locked(lock)}
    assert set(REPAIRED) - present == set()


def test_what_we_do_not_want_is_not_installed() -> None:
    assert not {package.name for package in locked("requirements.txt")} & UNWANTED


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-fuzz.txt", "requirements-chart.txt"])
def test_every_file_is_known_by_its_hash(lock: str) -> None:
    packages = list(locked(lock))
    pinned = re.findall(r"^[a-z0-9].*==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    assert len(packages) == len(pinned)
    assert [package.name for package in packages if not package.sha256] == []


def test_the_list_of_parts_names_every_package_of_the_runtime() -> None:
    made = json.loads(
        subprocess.run([sys.executable, "-m", "tools.sbom"], cwd=ROOT, check=True, capture_output=True).stdout
    )
    assert made == document()
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    found = [
        Locked(part["name"], part["version"], tuple(h["content"] for h in part["hashes"]))
        for part in made["components"]
    ]
    assert found == list(locked("requirements.txt"))
    references = [part["bom-ref"] for part in made["components"]]
    assert len(references) == len(set(references))


def test_bandit_leaves_out_only_what_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    skipped = tomllib.loads(text)["tool"]["bandit"]["skips"]
    for test in skipped:
        assert re.search(rf'"{test}", +# \w+', text), test
    for package in ("api", "worker", "shared", "cli", "stack", "migrations", "tools"):
        for path in (ROOT / package).rglob("*.py"):
            for reason in re.findall(r"# nosec(.*)", path.read_text(encoding="utf-8")):
                assert re.match(r" B\d{3}  \w+", reason), f"{path}: a nosec without its reason"


def test_weaknesses_are_asked_for_in_every_check() -> None:
    commands = subprocess.run(
        ["make", "--dry-run", "check"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "bin/bandit " in commands
    assert " -m tools.audit\n" in commands


def test_a_service_that_cannot_be_asked_is_told_and_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    assert audit() == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == list(LOCKS)
    assert all("SKIPPED" in line for line in lines)
