"""The parts of the OpenAPI document that signatures do not express: file bodies, problem documents, texts."""

from collections.abc import Collection, Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.description.problems import PROBLEM_JSON
from api.description.public_names import (
    CACHE_HEADER,
    KEY_HEADER,
    NONE_MATCH_HEADER,
    PICTURE_TYPES,
    PUBLIC_PATHS,
    RAW_TYPES,
    TRACE_HEADER,
)
from api.description.schemas.problems import FieldProblem, Problem
from api.description.schemas.sources import AddressBody
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import AUTO

Responses = dict[int | str, dict[str, Any]]

DESCRIPTION: Final = """
Upload large movie files (CSV or TSV, plain or compressed). The service checks every row, loads the valid rows and
reports each rejected record with its reasons.

    curl -F file=@samples/movies.csv http://127.0.0.1:8000/api/v1/upload
    curl -T samples/movies.csv 'http://127.0.0.1:8000/api/v1/upload?filename=movies.csv&use_celery=true'
    curl http://127.0.0.1:8000/api/v1/uploads
    curl 'http://127.0.0.1:8000/api/v1/uploads/{id}/rejects?format=csv' -o rejects.csv
    curl -F file=@rejects.csv http://127.0.0.1:8000/api/v1/uploads/{id}/rejects
    curl 'http://127.0.0.1:8000/api/v1/movies?sort_by=vote_average&page_size=5'

Every error is an `application/problem+json` document with a stable `code` and the `trace_id` of its log lines. Send
`X-Trace-Id` (8 to 64 letters, digits or hyphens) to choose the trace id yourself. The document's `type` links to the
explanation of its code: what happened, why, and what to do ([all codes](/errors)).

Choose a tenant with the header `X-Tenant` or the parameter `tenant`. If the service requires keys
(`INGEST_REQUIRE_KEYS`), send yours as `X-API-Key` or `Authorization: Bearer`. The key decides which tenants you may
choose, and whether you may upload or only read. What is below `/api/v1/admin` needs an operator's key, which has no
tenants.
"""

TAGS: Final = [
    {"name": "upload", "description": "Send a file."},
    {
        "name": "uploads",
        "description": "Follow, cancel, retry or undo an upload; see why records were rejected, and correct them.",
    },
    {"name": "sources", "description": "Let files be fetched from addresses, once or by schedule."},
    {"name": "movies", "description": "Read the loaded movies."},
    {"name": "search", "description": "Find movies, people and genres."},
    {"name": "people", "description": "Read the loaded people, and what they were credited for."},
    {"name": "reports", "description": "Sums over trees of loaded rows."},
    {"name": "about", "description": "The datasets, the tenants and the error codes."},
    {
        "name": "admin",
        "description": "For operators, with a key of their own: limits and pauses of tenants, uploads that wait.",
    },
    {"name": "health", "description": "Check the API, its database and its broker."},
]

# Answers with these statuses say when to try again.
_RETRYABLE: Final = (429, 503, 507)
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 0}}
}
_TRACE: Final = {
    TRACE_HEADER: {
        "description": "The id that each log line of the request contains.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9-]{8,64}$"},
    }
}
LINK_HEADER: Final = {
    "Link": {"description": 'RFC 8288; has rel="next" unless this is the last page.', "schema": {"type": "string"}}
}
MOVIE_TAG_HEADER: Final = {
    "ETag": {"description": "The state of the movie: for If-Match and If-None-Match.", "schema": {"type": "string"}}
}
ETAG_HEADER: Final = {"ETag": {"description": "Of a planned upload: that of its plan.", "schema": {"type": "string"}}}

# Of answers that are kept until the tenant's rows change.
_TAG: Final = {
    "ETag": {
        "description": "The name of this answer; send it as If-None-Match. Answers about another moment have none.",
        "schema": {"type": "string"},
    }
}
_ORIGIN: Final = {
    CACHE_HEADER: {
        "description": "Whether the answer was kept (`hit`) or made (`miss`; `off`: nothing can be kept).",
        "schema": {"type": "string", "enum": ["hit", "miss", "off"]},
    }
}
_NONE_MATCH: Final = {
    "name": NONE_MATCH_HEADER,
    "in": "header",
    "description": "The `ETag` of the answer that you have: 304 without a body if it is still the same.",
    "schema": {"type": "string"},
}

# A client may send its key in either header.
_SECURITY_SCHEMES: Final[dict[str, dict[str, str]]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `imdb_...`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "The same key in another header."},
}
_EITHER: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"apiKey": []}]
_CHALLENGE: Final = {
    "WWW-Authenticate": {"description": "RFC 6750.", "required": True, "schema": {"type": "string"}},
}

_BINARY: Final = {"type": "string", "format": "binary"}
_SAMPLE: Final = (
    "budget,homepage,original_language,original_title,overview,release_date,revenue,runtime,status,title,"
    "vote_average,vote_count,production_company_id,genre_id,languages\r\n"
    "1200000.0,,de,Metropolis,A city above and a city below.,1927-01-10,,153.0,Released,Metropolis,"
    "8.1,2500,,,\"['Deutsch']\"\r\n"
)

_CORRECTED_SAMPLE: Final = "".join(
    f"{first},{rest}\r\n" for first, rest in zip(("_line", "42"), _SAMPLE.splitlines(), strict=True)
)


def _file_body(example: str, *, is_required: bool = True) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": is_required,
            "description": (
                "The file: the part `file` of a form, or the whole body. Options are query parameters, so that the API"
                " knows them before the first byte of the file; it skips other parts of a form."
            ),
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "required": ["file"], "properties": {"file": _BINARY}},
                },
                **{media_type: {"schema": _BINARY} for media_type in RAW_TYPES},
                "text/csv": {"schema": _BINARY, "example": example},
            },
        }
    }


def _with_address(body: dict[str, Any]) -> dict[str, Any]:
    """A body that may also be a document which says where the file is."""
    request_body = body["requestBody"]
    address = {"schema": AddressBody.model_json_schema()}
    content = {**request_body["content"], "application/json": address}
    description = request_body["description"] + " Or a JSON document that says where the file is."
    return {"requestBody": {**request_body, "description": description, "content": content}}


UPLOAD_BODY: Final = _file_body(_SAMPLE)
FILE_OR_ADDRESS_BODY: Final = _with_address(UPLOAD_BODY)
RELOAD_BODY: Final = _file_body(_SAMPLE, is_required=False)
CORRECTION_BODY: Final = _file_body(_CORRECTED_SAMPLE)
SHOT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The picture: the part `file` of a form, or the whole body.",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _BINARY}},
            },
            **{media_type: {"schema": _BINARY} for media_type in PICTURE_TYPES},
        },
    }
}


def problems(*statuses: int) -> Responses:
    """Responses of a route that are problem documents. Every route may also answer 422 and 500.

    `_add_security` adds the statuses of a refused key for all routes.
    """
    return {status: _problem_response(status) for status in sorted({*statuses, 422, 500})}


def describe(app: FastAPI, registry: Registry, cached_paths: Collection[str], *, are_keys_required: bool) -> None:
    """Add to the OpenAPI document what signatures do not express: problem documents, keys, headers, dataset names.

    `cached_paths`: of the routes whose answers have tags.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, registry, cached_paths, are_keys_required)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way


def _document(
    app: FastAPI, registry: Registry, cached_paths: Collection[str], are_keys_required: bool
) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, tags=app.openapi_tags, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas[FieldProblem.__name__] = FieldProblem.model_json_schema()
    schemas[Problem.__name__] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas[Problem.__name__].pop("$defs", None)
    _add_security(document, are_keys_required)
    for path in cached_paths:
        _add_tag(document["paths"][path]["get"])
    for operation in _operations(document):
        for response in operation["responses"].values():
            response["headers"] = {**response.get("headers", {}), **_TRACE}
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
            if parameter["name"] == "dataset":
                parameter["examples"] = {name: {"value": name} for name in (*registry.names, AUTO)}
    return document


def _add_tag(operation: dict[str, Any]) -> None:
    operation["parameters"] = [*operation.get("parameters", ()), _NONE_MATCH]
    responses = operation["responses"]
    responses["200"]["headers"] = {**responses["200"].get("headers", {}), **_TAG, **_ORIGIN}
    unchanged = {"description": HTTPStatus.NOT_MODIFIED.phrase, "headers": _TAG}
    operation["responses"] = dict(sorted({**responses, str(HTTPStatus.NOT_MODIFIED.value): unchanged}.items()))


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without null: an absent parameter is None in Python, but a query or a header cannot contain null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _add_security(document: dict[str, Any], are_keys_required: bool) -> None:
    document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for path, operations in document["paths"].items():
        if path in PUBLIC_PATHS:
            continue
        for operation in operations.values():
            refusals = {str(status): _problem_response(status) for status in (401, 403, 429)}
            operation["security"] = _EITHER if are_keys_required else [{}, *_EITHER]
            operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))


def _problem_response(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _RETRY_AFTER if status in _RETRYABLE else _CHALLENGE if status == HTTPStatus.UNAUTHORIZED else {},
        "content": {PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }
