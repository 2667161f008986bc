from typing import Any

import httpx
import pytest

from stack.local import LocalStack
from tests.system.api.sending import NAMED, wait_for_end

METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def document(stack: LocalStack) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{stack.api_url}/openapi.json", trust_env=False).raise_for_status().json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for name, operation in operations(document):
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"422", "500"} <= set(errors), name
        for status, answer in errors.items():
            assert answer["content"] == {"application/problem+json": {"schema": problem}}, (name, status)


def test_what_needs_a_key_says_so(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["apiKey"]["name"]) == ("bearer", "X-API-Key")
    public = set()
    for path, item in document["paths"].items():
        for operation in item.values():
            if "security" not in operation:
                public.add(path)
                assert not {"401", "403"} & set(operation["responses"])
                continue
            # either of them, or none where keys are not required
            assert operation["security"] == [{}, *({name: []} for name in schemes)]
            assert {"401", "403"} <= set(operation["responses"])
    assert public == {"/api/v1/ping", "/healthz", "/api/v1/healthz", "/api/v1/health/db", "/errors"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for item in node for found in references(item)] if isinstance(node, list) else []


def test_links_lead_to_operations_and_name_their_parameters(document: dict[str, Any]) -> None:
    links = [
        link
        for _, operation in operations(document)
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > len(METHODS)
    for link in links:
        address, _, method = link["operationRef"].removeprefix("#/paths/").rpartition("/")
        operation = document["paths"][address.replace("~1", "/")][method]
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert set(link["parameters"]) <= names, link


def test_no_parameter_can_be_null(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "anyOf" not in parameter["schema"], (name, parameter["name"])


@pytest.mark.parametrize("method", ["post", "put"])
def test_both_ways_to_upload_are_described(document: dict[str, Any], method: str) -> None:
    operation = document["paths"]["/api/v1/upload"][method]
    assert {"multipart/form-data", "text/csv", "application/octet-stream"} <= set(operation["requestBody"]["content"])
    assert {parameter["name"] for parameter in operation["parameters"]} >= {
        "use_celery",
        "dataset",
        "filename",
        "tenant",
    }
    assert "Location" in operation["responses"]["202"]["headers"]


def test_the_example_can_be_sent_as_it_is(mine: httpx.Client, document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/upload"]["put"]
    example = operation["requestBody"]["content"]["text/csv"]["example"]
    answer = mine.put("/upload", params=NAMED, headers={"Content-Type": "text/csv"}, content=example)
    assert answer.status_code == 202, answer.text
    assert wait_for_end(mine, answer.json()["id"])["records"]["loaded"] == 1
