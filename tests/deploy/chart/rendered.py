"""The Helm chart as a test reads it: rendered by Helm's own library, its containers as a kubelet would start them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import yaml

from shared.settings import Settings
from tests.conftest import ROOT, absent
from tests.deploy.containers import SETTINGS, variable_of

CHART: Final = ROOT / "deploy" / "helm" / "imdb-ingest"
RELEASE: Final = "films"
# What the chart says itself, or takes from a Secret.
NOT_IN_SETTINGS: Final = {
    "DATABASE_URL",
    "REDIS_URL",
    "INGEST_API_DATABASE_URL",
    "INGEST_CACHE_URL",
    "INGEST_DATA_DIR",
    "INGEST_STORAGE_URL",
    "INGEST_REQUIRE_KEYS",
}

_REFERENCE: Final = re.compile(r"\$\((\w+)\)")

Document = dict[str, Any]
# Name of a Secret -> its keys and values.
Secrets = Mapping[str, Mapping[str, str]]


def written_settings() -> dict[str, Any]:
    """Each setting that the chart's values take, as a person would write its default in YAML."""
    fields = {variable_of(name): field.default for name, field in Settings.model_fields.items()}
    return {name: _written(fields[name]) for name in sorted(SETTINGS - NOT_IN_SETTINGS)}


def _written(default: Any) -> Any:
    return ",".join(map(str, default)) if isinstance(default, tuple) else default


# Values by a word for them.
VALUES: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "most": {
        "images": {"api": {"tag": "sha256:" + 64 * "a"}, "pullSecrets": ["registry"]},
        "redis": {"cacheUrlKey": "INGEST_CACHE_URL"},
        "storage": {"storageClass": "shared"},
        "settings": {**written_settings(), "INGEST_ALLOWED_HOSTS": "films.example, 127.0.0.1"},
        "api": {
            "service": {"annotations": {"example/a": "b"}},
            "ingress": {"enabled": True, "className": "nginx", "annotations": {"example/a": "b"}},
            "autoscaling": {"enabled": True},
        },
        "worker": {"autoscaling": {"enabled": True, "postgresql": {"host": "db.example"}}},
        "networkPolicy": {
            "postgresql": {"port": 6432, "peers": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]},
            "apiClients": [],
        },
        "serviceAccount": {"annotations": {"example/role": "films"}},
        "podAnnotations": {"example/a": "b"},
        "priorityClassName": "high",
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "films", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    },
    "bucket": {"storage": {"url": "s3://films/uploads", "existingSecret": "imdb-ingest-bucket"}},
    "least": {
        "fullnameOverride": "ingest",
        "storage": {"existingClaim": "files"},
        "beat": {"enabled": False},
        "flower": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "serviceAccount": {"name": "films"},
    },
}


def helm() -> Any:
    """Helm's library."""
    return _library("helm_python")


def kubernetes_schemas() -> Any:
    """`kubernetes-validate`."""
    return _library("kubernetes_validate")


def keda_models() -> Any:
    """Models of KEDA's objects."""
    return _library("cloudcoil.models.keda.v1alpha1")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        absent(f"{name} (make chart)")


def files_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Path of a template within the chart -> what becomes of it; raises errors of Helm."""
    with helm().Chart.load(CHART) as chart:
        rendered = chart.render(dict(values), name=RELEASE, namespace="cinema")
    return {path.partition("/templates/")[2]: text for path, text in rendered.items()}


def documents_of(values: Mapping[str, Any]) -> list[Document]:
    """Every object of a release."""
    texts = (text for path, text in files_of(values).items() if Path(path).suffix == ".yaml")
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def component_of(document: Document) -> str:
    """`api`, `worker` and so on."""
    return str(document["metadata"]["labels"]["app.kubernetes.io/component"])


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    """Component -> its object of this kind."""
    return {component_of(document): document for document in documents if document["kind"] == kind}


@dataclass(frozen=True)
class Container:
    """The one container of a component's pods."""

    component: str
    spec: Document
    pod: Document

    def environment(self, secrets: Secrets, pod_name: str = "pod-1") -> dict[str, str]:
        """Its variables; raises `KeyError` for a Secret or a key that is not there."""
        given: dict[str, str] = {}
        for source in self.spec.get("envFrom", []):
            given |= secrets[source["secretRef"]["name"]]
        return given | {variable["name"]: _value(variable, secrets, pod_name) for variable in self.spec.get("env", [])}

    def command(self, environment: Mapping[str, str]) -> list[str]:
        """Its command with variables in parentheses filled in; raises `KeyError` for one that it does not have."""
        return [_REFERENCE.sub(lambda match: environment[match[1]], part) for part in self.spec["command"]]

    def port(self, name: str) -> int:
        """The number of a port."""
        (number,) = [port["containerPort"] for port in self.spec["ports"] if port["name"] == name]
        return int(number)

    def mounts(self) -> dict[str, Document]:
        """Directory -> the volume that is there."""
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        return {mount["mountPath"]: volumes[mount["name"]] for mount in self.spec["volumeMounts"]}


def containers_of(documents: list[Document]) -> dict[str, Container]:
    """Component -> its container."""
    return {container.component: container for container in _containers(documents)}


def _containers(documents: list[Document]) -> Iterator[Container]:
    for document in documents:
        if "template" in document.get("spec", {}):
            pod = document["spec"]["template"]["spec"]
            assert set(pod) & {"initContainers", "ephemeralContainers"} == set()
            (spec,) = pod["containers"]
            yield Container(component_of(document), spec, pod)


def _value(variable: Document, secrets: Secrets, pod_name: str) -> str:
    match variable:
        case {"value": str(value)}:
            return value
        case {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}:
            return secrets[name][key]
        case {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
            return pod_name
    raise ValueError(variable)
