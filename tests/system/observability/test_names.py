"""Dashboards, alerts and documents speak of the metrics that are there."""

import json
import re
import time

import httpx
import pytest
import yaml

from stack.ports import LOCALHOST
from tests.conftest import ROOT
from tests.system.observability.conftest import Seen

FILES = ROOT / "deploy" / "observability"


@pytest.fixture(scope="module")
def told(seen: Seen) -> dict[str, str]:
    """Name -> kind of each metric on both ports."""
    texts = [
        httpx.get(f"http://{LOCALHOST}:{port}/metrics", trust_env=False).raise_for_status().text
        for port in (seen.api_port, seen.worker_port)
    ]
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", "\n".join(texts), re.MULTILINE))


def series_of(told: dict[str, str]) -> set[str]:
    parts = {"histogram": ("_bucket", "_count", "_sum")}
    return {"up"} | {name + part for name, kind in told.items() for part in parts.get(kind, ("",))}


def expressions() -> dict[str, str]:
    """By where it is."""
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
    found = {rule["alert"]: rule["expr"] for rule in rules}
    for path in (FILES / "grafana").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.mark.parametrize("where", expressions())
def test_every_expression_asks_for_what_is_there(told: dict[str, str], where: str) -> None:
    names = set(re.findall(r"\b(?:ingest|process)_\w+|\bup\b", expressions()[where]))
    assert names
    assert names - series_of(told) == set()


def test_every_metric_is_documented_and_no_other(told: dict[str, str]) -> None:
    document = (ROOT / "docs" / "OBSERVABILITY.md").read_text(encoding="utf-8")
    documented = {
        name
        for row in re.findall(r"^\| (`ingest_[^|]+)\|", document, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert documented == {name.removesuffix("_total") for name in told if name.startswith("ingest_")} - {
        f"{name}_created" for name in documented
    }


def test_a_line_of_the_log_leads_to_its_trace(seen: Seen) -> None:
    sources = yaml.safe_load((FILES / "grafana" / "datasources.yml").read_text())["datasources"]
    [pattern] = [
        field["matcherRegex"] for source in sources for field in source.get("jsonData", {}).get("derivedFields", [])
    ]
    with seen.api as api:
        trace_id = api.get("/ping").headers["X-Trace-Id"]
    deadline = time.monotonic() + 5
    # the line is written after the answer
    while trace_id not in re.findall(pattern, (seen.stack.data_dir / "logs" / "api.log").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_line_of_a_worker_is_json(seen: Seen) -> None:
    lines = (seen.stack.data_dir / "logs" / "worker.log").read_text().splitlines()
    # before the first one, Celery says to root that it should be somebody else
    first = next(number for number, line in enumerate(lines) if line.startswith("{"))
    assert not any("[tasks]" in line for line in lines[:first])
    assert {json.loads(line)["service"] for line in lines[first:]} == {"worker"}
