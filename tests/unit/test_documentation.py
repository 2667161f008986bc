"""Every setting is documented where people look for it."""

import re
import subprocess
import sys

import pytest

from shared.settings import Settings
from tests.conftest import ROOT

VARIABLES = [
    {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}.get(name, f"INGEST_{name.upper()}")
    for name in Settings.model_fields
]


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
