"""Parameters are taken as they were meant: none that the route does not know, none twice.

A misspelt `?max_reject=10` that is ignored loads a file without its budget. Of a parameter or header that stands there
twice a proxy may read one value and we the other.
"""

from collections import Counter
from difflib import get_close_matches
from typing import Final

from fastapi import Request

from shared.errors import InvalidRequest

_LONGEST_SHOWN: Final = 100


async def refuse_unknown_and_repeated(request: Request) -> None:
    """Raises `InvalidRequest`. Routes without query parameters ignore what stands there, as probes of health do."""
    query, headers = _declared(request)
    problems = [
        _problem(f"header.{name}", "stands there more than once", "repeated_parameter")
        for name in headers
        if len(request.headers.getlist(name)) > 1
    ]
    if query and request.url.query:
        problems += _problems_of_query(request, query)
    if problems:
        detail = "; ".join(f"{problem['location']}: {problem['message']}" for problem in problems)
        raise InvalidRequest(detail, {"errors": problems})


def _problems_of_query(request: Request, known: list[str]) -> list[dict[str, str]]:
    counts = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [
        _problem(f"query.{name}", _unknown(name, known), "unknown_parameter") for name in counts if name not in known
    ]
    repeated = [
        _problem(f"query.{name}", "stands there more than once", "repeated_parameter")
        for name, count in counts.items()
        if name in known and count > 1
    ]
    return unknown + repeated


def _unknown(name: str, known: list[str]) -> str:
    similar = get_close_matches(name[:_LONGEST_SHOWN], known, n=1)
    return "there is no such parameter here" + (f"; did you mean {similar[0]}?" if similar else "")


def _problem(location: str, message: str, code: str) -> dict[str, str]:
    return {"location": location[:_LONGEST_SHOWN], "message": message, "code": code}


def _declared(request: Request) -> tuple[list[str], list[str]]:
    """Names of the route's parameters in the query, and of its headers, as OpenAPI has them."""
    path = getattr(request.scope.get("route"), "path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    places: dict[str, list[str]] = {"query": [], "header": []}
    for parameter in operation.get("parameters", ()):
        places.setdefault(parameter["in"], []).append(parameter["name"])
    return places["query"], places["header"]
