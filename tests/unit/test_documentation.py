"""Every setting is documented where people look for it, with its default."""

import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from shared.settings import Settings
from tests.conftest import ROOT

USUAL_NAMES = ("DATABASE_URL", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "SENTRY_DSN")
FIELDS = {
    {usual.lower(): usual for usual in USUAL_NAMES}.get(name, f"INGEST_{name.upper()}"): field
    for name, field in Settings.model_fields.items()
}
VARIABLES = list(FIELDS)
UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
DOCUMENTS = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.name != "CHANGELOG.md")


def written(text: str) -> str | float:
    """What a document says a default is: `6 MiB`, `3.0`, `false`, `json`."""
    text = text.strip().strip("`").replace(",", "") if "." not in text or "," not in text else text.strip().strip("`")
    number, _, unit = text.partition(" ")
    try:
        return float(number) * UNITS.get(unit, 1)
    except ValueError:
        return text


def default(variable: str) -> str | float:
    value: Any = FIELDS[variable].default
    if value is PydanticUndefined:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(item).removesuffix("/32").removesuffix("/128") for item in value)
    return float(value) if isinstance(value, int | float) else str(value)


def test_the_readme_names_each_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: written(text) for name, text in rows} == {name: default(name) for name in VARIABLES}


def test_the_example_environment_has_each_default() -> None:
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    shown = {name: written(text) for name, text in lines if name in FIELDS}
    # these are examples: they have no default, or one that suits nobody else
    examples = {"DATABASE_URL", "INGEST_API_DATABASE_URL"}
    assert {name: shown[name] for name in VARIABLES if name not in examples} == {
        name: default(name) for name in VARIABLES if name not in examples
    }
    names = [name for name, _ in lines]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_default_in_a_sentence_is_the_default(path: Any) -> None:
    """`INGEST_LEASE_SECONDS` (12)."""
    said = re.findall(r"`(INGEST_[A-Z_]+)`\s+\((\d[\d.]*(?: [KMG]iB)?)(?: s)?[),]", path.read_text(encoding="utf-8"))
    assert [(name, written(text)) for name, text in said] == [(name, default(name)) for name, _ in said]


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_documented_and_no_other(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert set(VARIABLES) - set(re.findall(r"[A-Z_]+", text)) == set()
    of_the_client = {"INGEST_API_URL", "INGEST_API_KEY"}
    assert set(re.findall(r"INGEST_[A-Z_]+", text)) - of_the_client <= set(VARIABLES)


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for package in ("api", "worker", "shared")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text(encoding="utf-8"))
    }
    # It hands its own environment on to the loader process.
    assert readers <= {"api/notifications/background_loaders.py"}


def test_the_api_starts_without_what_only_a_loader_needs() -> None:
    # Datasets are found by name, where import-linter does not look.
    program = "import sys, api.main; sys.exit(bool({'pandas', 'pandera'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
