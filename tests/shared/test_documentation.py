"""Every setting is documented where people look for it."""

import re

import pytest

from shared.datasets import DATASETS
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
    assert set(re.findall(r"INGEST_[A-Z_]+", text)) - {"INGEST_API_URL"} <= set(VARIABLES)


def test_every_dataset_and_column_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for dataset in DATASETS.values():
        assert f"`{dataset.name}`" in text
        for column in dataset.columns:
            assert column.name in text


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for package in ("api", "worker", "shared")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text(encoding="utf-8"))
    }
    # It hands its own environment on to the loader process.
    assert readers <= {"api/background.py"}
