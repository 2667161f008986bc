"""What the chart's pods may do, whom they may talk to, and which objects belong together."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.deploy.chart.rendered import VALUES, Document, component_of, containers_of, documents_of, files_of, of_kind

COMPONENTS = {"api", "worker", "beat", "flower", "migrate"}
CLIENTS = {"api", "flower"}
DNS, POSTGRES, REDIS = 53, 5432, 6379
# Component -> the ports that it may reach.
REACHED = {
    "api": {DNS, POSTGRES, REDIS},
    "worker": {DNS, POSTGRES, REDIS},
    "beat": {DNS, REDIS},
    "flower": {DNS, REDIS},
    "migrate": {DNS, POSTGRES},
}


def pods(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Component -> its pod, as a template with `metadata` and `spec`."""
    for document in documents:
        if "template" in document.get("spec", {}):
            yield component_of(document), document["spec"]["template"]


def chosen(documents: list[Document], labels: Mapping[str, str]) -> set[str]:
    """Components whose pods have these labels."""
    return {component for component, pod in pods(documents) if labels.items() <= pod["metadata"]["labels"].items()}


def test_pods_are_hardened(documents: list[Document]) -> None:
    user = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile.api").read_text(encoding="utf-8"), re.MULTILINE)
    for component, pod in pods(documents):
        spec = pod["spec"]
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, component
        assert [(str(security["runAsUser"]), str(security["runAsGroup"]))] == user
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec)
        assert {kind for volume in spec["volumes"] for kind in volume} <= {"name", "emptyDir", "persistentVolumeClaim"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert container["resources"]["limits"]["memory"]


def test_the_chart_holds_no_secret(documents: list[Document]) -> None:
    assert "Secret" not in {document["kind"] for document in documents}
    for component, container in containers_of(documents).items():
        for variable in container.spec["env"]:
            is_secret = re.search(r"(?<!STORAGE_)URL$|AUTH$|PASSWORD|TOKEN", variable["name"])
            is_fake = variable.get("value") == "postgresql://unused.invalid/unused"
            assert not is_secret or is_fake or "secretKeyRef" in variable["valueFrom"], component


def test_only_what_needs_a_secret_gets_it() -> None:
    given = {
        component: {variable["name"] for variable in container.spec["env"] if "secretKeyRef" in str(variable)}
        for component, container in containers_of(documents_of({})).items()
    }
    assert given == {
        "api": {"DATABASE_URL", "INGEST_API_DATABASE_URL", "REDIS_URL"},
        "worker": {"DATABASE_URL", "REDIS_URL"},
        "beat": {"REDIS_URL"},
        "flower": {"FLOWER_BASIC_AUTH", "REDIS_URL"},
        "migrate": {"DATABASE_URL", "INGEST_API_DATABASE_URL"},
    }


@pytest.mark.parametrize("name", ["default", "most"])
def test_nobody_talks_but_who_must(name: str) -> None:
    documents = documents_of(VALUES[name])
    postgres = 6432 if name == "most" else POSTGRES
    reached: dict[str, set[Any]] = {component: set() for component in COMPONENTS}
    called: dict[str, set[Any]] = {component: set() for component in COMPONENTS}
    denied: dict[str, set[str]] = {component: set() for component in COMPONENTS}
    for policy in (document for document in documents if document["kind"] == "NetworkPolicy"):
        for component in chosen(documents, policy["spec"]["podSelector"]["matchLabels"]):
            denied[component] |= set(policy["spec"]["policyTypes"])
            reached[component] |= ports(policy["spec"].get("egress", []))
            called[component] |= ports(policy["spec"].get("ingress", []))
    expected = {
        component: {postgres if port == POSTGRES else port for port in reachable}
        for component, reachable in REACHED.items()
    }
    assert denied == {component: {"Ingress", "Egress"} for component in COMPONENTS}
    assert reached == expected
    assert called == {component: {"http"} if component in CLIENTS else set() for component in COMPONENTS}


def ports(rules: list[Document]) -> set[Any]:
    """Ports of rules; raises `KeyError` for a rule that lets every port pass."""
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_peers_narrow_a_policy() -> None:
    policies = of_kind(documents_of(VALUES["most"]), "NetworkPolicy")
    for component in ("api", "worker", "migrate"):
        (rule,) = [rule for rule in policies[component]["spec"]["egress"] if ports([rule]) == {6432}]
        assert rule["to"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    (open_rule,) = policies["api"]["spec"]["ingress"]
    assert "from" not in open_rule
    (closed_rule,) = policies["flower"]["spec"]["ingress"]
    assert closed_rule["from"] == [{"podSelector": {}}]


def test_metrics_are_read_and_traces_sent_only_where_values_say_so() -> None:
    reader, collector = {"podSelector": {"matchLabels": {"app": "prometheus"}}}, {"ipBlock": {"cidr": "10.2.0.0/16"}}
    values = {
        "settings": {"INGEST_METRICS_PORT": 9464, "INGEST_WORKER_METRICS_PORT": 9465},
        "networkPolicy": {"metricsClients": [reader], "collectors": [{"port": 4318, "peers": [collector]}]},
    }
    policies = of_kind(documents_of(values), "NetworkPolicy")
    for component, port in (("api", 9464), ("worker", 9465)):
        assert {"ports": [{"port": port}], "from": [reader]} in policies[component]["spec"]["ingress"]
        assert {"ports": [{"port": 4318}], "to": [collector]} in policies[component]["spec"]["egress"]
    assert 4318 not in ports(policies["flower"]["spec"]["egress"]) | ports(policies["migrate"]["spec"]["egress"])
    closed = of_kind(documents_of({"networkPolicy": values["networkPolicy"]}), "NetworkPolicy")
    assert reader not in [peer for rule in closed["api"]["spec"]["ingress"] for peer in rule["from"]]
    assert "ingress" not in closed["worker"]["spec"]


def test_files_are_fetched_from_where_the_values_say_only() -> None:
    peers = [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]
    policies = of_kind(documents_of({"networkPolicy": {"pulls": peers}}), "NetworkPolicy")
    for component in ("api", "worker"):
        (rule,) = [rule for rule in policies[component]["spec"]["egress"] if ports([rule]) == {443}]
        assert rule["to"] == peers
    assert 443 not in ports(policies["flower"]["spec"]["egress"])


def test_objects_point_to_each_other(documents: list[Document]) -> None:
    deployments = of_kind(documents, "Deployment")
    for kind in ("Deployment", "PodDisruptionBudget"):
        for component, document in of_kind(documents, kind).items():
            assert chosen(documents, document["spec"]["selector"]["matchLabels"]) == {component}
    for component, service in of_kind(documents, "Service").items():
        assert chosen(documents, service["spec"]["selector"]) == {component}
        container = containers_of(documents)[component]
        for port in service["spec"]["ports"]:
            assert container.port(port["targetPort"])
    names = {document["metadata"]["name"] for document in deployments.values()}
    assert set(of_kind(documents, "PodDisruptionBudget")) == {"api", "worker"}
    for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        for component, document in of_kind(documents, kind).items():
            assert document["spec"]["scaleTargetRef"]["name"] in names
            assert "replicas" not in deployments[component]["spec"]
    for ingress in of_kind(documents, "Ingress").values():
        (rule,) = ingress["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        service = of_kind(documents, "Service")["api"]
        assert path["backend"]["service"]["name"] == service["metadata"]["name"]
        assert path["backend"]["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
        assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]


def test_the_trigger_of_keda_logs_in_with_its_secret() -> None:
    documents = documents_of(VALUES["most"])
    (trigger,) = of_kind(documents, "ScaledObject")["worker"]["spec"]["triggers"]
    login = of_kind(documents, "TriggerAuthentication")["worker"]
    assert trigger["authenticationRef"] == {"name": login["metadata"]["name"]}
    assert [item["parameter"] for item in login["spec"]["secretTargetRef"]] == ["password"]
    assert all(isinstance(value, str) for value in trigger["metadata"].values())


def test_api_and_workers_see_the_same_files(documents: list[Document]) -> None:
    found = [
        container.mounts()[variable["value"]]["persistentVolumeClaim"]["claimName"]
        for container in containers_of(documents).values()
        for variable in container.spec["env"]
        if variable["name"] == "INGEST_DATA_DIR"
    ]
    claims = [document for document in documents if document["kind"] == "PersistentVolumeClaim"]
    # none, if the files are in a bucket
    assert len(found) in {0, 2}
    named = {document["metadata"]["name"] for document in claims}
    assert set(found) == (named or {"files"} if found else named)
    for claim in claims:
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
        assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_bucket_needs_no_directory() -> None:
    documents = documents_of(VALUES["bucket"])
    assert "PersistentVolumeClaim" not in {document["kind"] for document in documents}
    secrets = {"imdb-ingest-bucket": {"AWS_ACCESS_KEY_ID": "k"}}
    for component in ("api", "worker"):
        container = containers_of(documents)[component]
        assert set(container.mounts()) == {"/tmp"}  # noqa: S108  a path in the container
        given = {variable["name"]: variable.get("value") for variable in container.spec["env"]}
        assert given["INGEST_STORAGE_URL"] == "s3://films/uploads"
        assert "INGEST_DATA_DIR" not in given
        assert [secrets[source["secretRef"]["name"]] for source in container.spec["envFrom"]]
        rules = of_kind(documents, "NetworkPolicy")[component]["spec"]["egress"]
        assert ports(rules) == {DNS, POSTGRES, REDIS, 443}
    assert not [name for name in ("beat", "flower") if "envFrom" in containers_of(documents)[name].spec]


def test_every_pod_can_write_to_tmp_only_in_memory(documents: list[Document]) -> None:
    for container in containers_of(documents).values():
        assert container.mounts()["/tmp"]["emptyDir"]["medium"] == "Memory"  # noqa: S108  a path in the container


def test_migrate_comes_first_and_needs_nothing_that_comes_later(documents: list[Document]) -> None:
    hooks = [document for document in documents if "helm.sh/hook" in document["metadata"].get("annotations", {})]
    assert {component_of(document) for document in hooks} == {"migrate"}
    weights = {document["kind"]: int(document["metadata"]["annotations"]["helm.sh/hook-weight"]) for document in hooks}
    assert weights["Job"] > weights.get("NetworkPolicy", -9)
    for document in hooks:
        assert document["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    pod = dict(pods(documents))["migrate"]["spec"]
    assert "serviceAccountName" not in pod
    assert [set(volume) - {"name"} for volume in pod["volumes"]] == [{"emptyDir"}]


def test_a_pod_gets_the_time_that_its_signal_needs() -> None:
    containers = containers_of(documents_of({"api": {"gracefulSeconds": 600}}))
    api = containers["api"]
    assert "--graceful-seconds=600" in api.spec["command"]
    waits = int(api.spec["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert api.pod["terminationGracePeriodSeconds"] >= 600 + waits + 15
    assert containers["worker"].pod["terminationGracePeriodSeconds"] >= 30


@pytest.mark.parametrize("name", VALUES)
def test_the_notes_name_what_is_there(name: str) -> None:
    notes = files_of(VALUES[name])["NOTES.txt"]
    documents = documents_of(VALUES[name])
    names = {f"{document['kind'].lower()}/{document['metadata']['name']}" for document in documents}
    called = re.findall(r"\b(deploy|service)/(\S+)", notes)
    assert {f"{'deployment' if kind == 'deploy' else kind}/{name}" for kind, name in called} <= names
    assert called
    assert ("flower" in notes) == ("flower" in containers_of(documents))
