"""Strict parameters: a request may contain no parameter that the route does not declare, and none twice.

If the API ignored a misspelt `?max_reject=10`, it would load the file without a reject budget. If a parameter or header
occurs twice, a proxy may read one value and the API the other one.
"""

from collections import Counter
from typing import Any, Final

from fastapi import Request

from api.description.problem_locations import MOST_LISTED, detail_of, field_problem, not_listed
from api.description.suggestions import did_you_mean
from shared.errors import InvalidRequest

# Any parameter that the route does not declare is a filter, which the route judges itself.
ROW_FILTERS: Final[dict[str, Any]] = {
    "name": "filters",
    "in": "query",
    "description": "Filters, each as a parameter of its own: `year__gte=1990`.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "style": "form",
    "explode": True,
}

_REPEATED: Final = "repeated_parameter"
_UNKNOWN: Final = "unknown_parameter"


async def refuse_unknown_and_repeated(request: Request) -> None:
    """Raise `InvalidRequest` for unknown or repeated parameters.

    A route without query parameters ignores its query, because probes of health checks add parameters of their own.
    """
    query, headers = _declared(request)
    wrong = [("header", name, _REPEATED) for name in headers if len(request.headers.getlist(name)) > 1]
    if query and request.url.query:
        wrong += _wrong_in_query(request, query)
    if wrong:
        # A suggestion takes far longer than finding the mistake, so only the listed mistakes get one.
        problems = [
            field_problem(f"{where}.{name}", _message(name, code, query), code)
            for where, name, code in wrong[:MOST_LISTED]
        ]
        problems += not_listed(len(wrong) - MOST_LISTED)
        raise InvalidRequest(detail_of(problems), {"errors": problems})


def _wrong_in_query(request: Request, known: list[str]) -> list[tuple[str, str, str]]:
    """(where, name, code) of each mistake; unknown parameters come first."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    takes_any = ROW_FILTERS["name"] in known
    unknown = [("query", name, _UNKNOWN) for name in counts if name not in known and not takes_any]
    repeated = [("query", name, _REPEATED) for name in known if counts[name] > 1]
    return unknown + repeated


def _message(name: str, code: str, known: list[str]) -> str:
    if code == _REPEATED:
        return "occurs more than once"
    return f"there is no such parameter here{did_you_mean(name, known)}"


def _declared(request: Request) -> tuple[list[str], list[str]]:
    """Names of the route's query parameters and of its headers, from the OpenAPI document."""
    path = getattr(request.scope.get("route"), "path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    names: dict[str, list[str]] = {"query": [], "header": []}
    for parameter in operation.get("parameters", ()):
        names.setdefault(parameter["in"], []).append(parameter["name"])
    return names["query"], names["header"]
