"""Every object that the chart makes is one that Kubernetes knows, and fits the others, for several sets of values."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from shared.messaging import QUEUES
from tests.conftest import ROOT
from tests.deploy.chart.rendered import (
    CHART,
    NOT_IN_SETTINGS,
    VALUES,
    Document,
    containers_of,
    documents_of,
    files_of,
    helm,
    keda_models,
    kubernetes_schemas,
    of_kind,
    written_settings,
)
from tests.deploy.compose import read
from tests.deploy.containers import SETTINGS

# Helm's numbers for what lint finds.
WARNING = 2
COMPOSE = read(dict.fromkeys(("POSTGRES_PASSWORD", "API_DATABASE_PASSWORD", "REDIS_PASSWORD", "FLOWER_PASSWORD"), "p"))


def refusal(document: Document, version: str) -> str:
    """Why this version of Kubernetes, or KEDA, does not know such an object; "" if it does."""
    if document["apiVersion"].startswith("keda.sh/"):
        model = getattr(keda_models(), document["kind"]).model_validate(document)
        # a model leaves out what it does not know
        known = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return "" if known == document else f"{known} is less than {document}"
    schemas = kubernetes_schemas()
    try:
        schemas.validate(document, version, strict=True)
    except schemas.ValidationError as error:
        return f"{document['kind']} {document['metadata']['name']}: {error.message}"
    return ""


@pytest.mark.parametrize("name", VALUES)
def test_lint_finds_nothing(name: str) -> None:
    found = helm().lint(CHART, VALUES[name], strict=True)
    assert found["errors"] == []
    assert [message for message in found["messages"] if message["severity"] >= WARNING] == []


def test_the_oldest_and_the_newest_kubernetes_know_every_object(documents: list[Document]) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    oldest = re.findall(r"\d+\.\d+", chart["kubeVersion"])[0]
    for version in (oldest, kubernetes_schemas().latest_version()):
        assert [why for document in documents if (why := refusal(document, version))] == []


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "ScaledObject"])
def test_a_misspelt_field_of_an_object_would_be_found(kind: str) -> None:
    document = of_kind(documents_of(VALUES["most"]), kind)["worker"]
    document["spec"]["replica"] = 1
    assert refusal(document, "1.25")


def test_no_two_objects_have_the_same_name(documents: list[Document]) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)


def test_it_is_the_chart_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["appVersion"] == chart["version"] == project["version"]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"settings": {"INGEST_LEASE_SECOND": 1}}, "INGEST_LEASE_SECOND"),
        ({"settings": {"INGEST_REQUIRE_KEYS": False}}, "INGEST_REQUIRE_KEYS"),
        ({"settings": {"INGEST_FAILPOINT": "x"}}, "INGEST_FAILPOINT"),
        ({"wroker": {}}, "wroker"),
        ({"worker": {"concurrency": 0}}, "concurrency"),
        ({"postgresql": {"existingSecret": ""}}, "existingSecret"),
        ({"networkPolicy": {"redis": {"port": 70000}}}, "port"),
        ({"worker": {"autoscaling": {"enabled": True}}}, "autoscaling.postgresql.host"),
    ],
)
def test_helm_refuses_values_that_cannot_be_meant(values: dict[str, Any], what: str) -> None:
    with pytest.raises(helm().HelmError, match=what):
        files_of(values)


def test_what_the_readme_sets_can_be_set() -> None:
    text = (CHART / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        values = yaml.safe_load(block)
        assert documents_of(values) != documents_of({}), values
    commands = re.findall(r"helm upgrade (?:.*\\\n)*.*", text)
    options = [re.findall(r"--set (\S+)", command) for command in commands]
    assert [len(found) for found in options] == [2, 3]
    for found in options:
        assert documents_of(helm().parse_set_string(",".join(found)))


def test_the_schema_knows_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert named(schema, schema) == keys(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")))


def named(schema: dict[str, Any], root: dict[str, Any]) -> set[str]:
    """Paths of all properties."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    found: set[str] = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {name, *(f"{name}.{path}" for path in named(inner, root))}
    return found - {"global"}


def keys(values: Any) -> set[str]:
    """Paths of all keys, without those that a person chooses: of resources and of other objects of Kubernetes."""
    found: set[str] = set()
    for name, inner in values.items() if isinstance(values, dict) else ():
        found |= {name, *(f"{name}.{path}" for path in keys(inner) if name not in {"requests", "limits"})}
    return found


@pytest.mark.parametrize("component", ["api", "worker"])
@pytest.mark.parametrize(
    ("storage", "without"), [("most", "INGEST_STORAGE_URL"), ("bucket", "INGEST_DATA_DIR")], ids=["volume", "bucket"]
)
def test_every_setting_reaches_the_containers(component: str, storage: str, without: str) -> None:
    values = {**VALUES["most"], "storage": VALUES[storage]["storage"]}
    container = containers_of(documents_of(values))[component]
    secret = {"DATABASE_URL", "REDIS_URL", "INGEST_API_DATABASE_URL", "INGEST_CACHE_URL"}
    given = {variable["name"]: variable.get("value") for variable in container.spec["env"]}
    of_requests = set() if component == "api" else {"INGEST_API_DATABASE_URL", "INGEST_CACHE_URL"}
    assert set(given) - {"POD_NAME"} == SETTINGS - of_requests - {without}
    assert {name for name, value in given.items() if value is None} == secret - of_requests | (
        {"POD_NAME"} & set(given)
    )
    assert given["INGEST_MAX_UPLOAD_BYTES"] == "21474836480"
    assert given["INGEST_LEASE_SECONDS"] == "12"
    assert given["INGEST_REQUIRE_KEYS"] == "true"


def test_no_other_variable_can_be_a_setting() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]["settings"]["propertyNames"]["enum"]) == SETTINGS - NOT_IN_SETTINGS
    assert set(written_settings()) == SETTINGS - NOT_IN_SETTINGS


@pytest.mark.parametrize("number", [0.5, 7, 12.0, 21_474_836_480, 1e15])
def test_a_number_is_written_as_the_settings_read_it(number: float) -> None:
    container = containers_of(documents_of({"settings": {"INGEST_LEASE_SECONDS": number}}))["worker"]
    (written,) = [variable["value"] for variable in container.spec["env"] if variable["name"] == "INGEST_LEASE_SECONDS"]
    assert re.fullmatch(r"[\d.]+", written)
    assert float(written) == number


@pytest.mark.parametrize("component", ["migrate", "api", "worker", "beat", "flower"])
def test_it_runs_what_compose_runs(component: str) -> None:
    container = containers_of(documents_of({}))[component]
    service = COMPOSE["services"][component]
    of_the_pod = {"--hostname=celery@$(POD_NAME)"}
    assert [part for part in container.spec["command"] if part not in of_the_pod] == service["command"]
    assert container.spec["image"].partition(":")[0] == service["image"]


def test_there_is_one_scheduler_also_while_it_is_replaced() -> None:
    scheduler = of_kind(documents_of(VALUES["most"]), "Deployment")["beat"]["spec"]
    assert (scheduler["replicas"], scheduler["strategy"]) == (1, {"type": "Recreate"})
    assert "beat" not in of_kind(documents_of(VALUES["least"]), "Deployment")


@pytest.mark.parametrize("queue", QUEUES)
def test_every_queue_is_consumed_by_the_worker(queue: str) -> None:
    command = containers_of(documents_of({}))["worker"].spec["command"]
    (consumed,) = [part.partition("=")[2].split(",") for part in command if part.startswith("--queues=")]
    assert queue in consumed
