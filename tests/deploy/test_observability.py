"""What operators run beside the platform: alerts that fire when they should, and dashboards that show something."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, absent

FILES = ROOT / "deploy" / "observability"
DOCUMENT = (ROOT / "docs" / "OBSERVABILITY.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARDS = sorted((FILES / "grafana").glob("*.json"))


@pytest.fixture(scope="module")
def promtool() -> str:
    program = shutil.which("promtool")
    if program is None:
        absent("promtool, of Debian's package prometheus")
    return program


@pytest.mark.parametrize(
    "arguments", ["check config prometheus.yml", "check rules alerts.yml", "test rules alerts_test.yml"]
)
def test_the_alerts_fire_when_they_should(promtool: str, arguments: str) -> None:
    done = subprocess.run([promtool, *arguments.split()], cwd=FILES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_explained() -> None:
    cases = yaml.safe_load((FILES / "alerts_test.yml").read_text())["tests"]
    fired = {each["alertname"] for case in cases for each in case["alert_rule_test"] if each["exp_alerts"]}
    silent = {each["alertname"] for case in cases for each in case["alert_rule_test"] if not each["exp_alerts"]}
    names = [rule["alert"] for rule in RULES]
    assert sorted(fired) == sorted(silent) == sorted(names)
    assert re.findall(r"^### (Ingest\w+)$", DOCUMENT, re.MULTILINE) == names
    assert [rule["annotations"]["runbook"] for rule in RULES] == [
        f"docs/OBSERVABILITY.md#{name.lower()}" for name in names
    ]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_of_a_dashboard_do_not_overlap(path: Path) -> None:
    board = json.loads(path.read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        area = panel["gridPos"]
        cells = {(area["x"] + x, area["y"] + y) for x in range(area["w"]) for y in range(area["h"])}
        assert not cells & taken, panel["title"]
        assert area["x"] + area["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_all_files_are_read() -> None:
    configurations = {path.name: yaml.safe_load(path.read_text()) for path in FILES.rglob("*.yml")}
    assert {"prometheus.yml", "alerts.yml", "alerts_test.yml", "loki.yml", "tempo.yml"} <= set(configurations)
    endpoint = configurations["tempo.yml"]["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert endpoint.endswith(":4318")
    sources = {source["uid"] for source in configurations["datasources.yml"]["datasources"]}
    used = {panel["datasource"]["uid"] for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]}
    assert used == {"prometheus"} <= sources
