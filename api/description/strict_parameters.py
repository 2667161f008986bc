"""Parameters are taken as they were meant: none that the route does not know, none twice.

A misspelt `?max_reject=10` that is ignored loads a file without its budget. Of a parameter or header that stands there
twice a proxy may read one value and we the other.
"""

from collections import Counter
from difflib import get_close_matches
from typing import Final

from fastapi import Request

from api.description.problem_locations import MOST_TOLD, location, others, sentence
from shared.errors import InvalidRequest

_LONGEST_COMPARED: Final = 100
_REPEATED: Final = "repeated_parameter"
_UNKNOWN: Final = "unknown_parameter"


async def refuse_unknown_and_repeated(request: Request) -> None:
    """Raises `InvalidRequest`. Routes without query parameters ignore what stands there, as probes of health do."""
    query, headers = _declared(request)
    wrong = [("header", name, _REPEATED) for name in headers if len(request.headers.getlist(name)) > 1]
    if query and request.url.query:
        wrong += _wrong_in_query(request, query)
    if wrong:
        # what was meant takes far longer to find than what is wrong, so only what is told is looked at closely
        told = [
            location(f"{where}.{name}", _message(name, code, query), code) for where, name, code in wrong[:MOST_TOLD]
        ]
        told += others(len(wrong) - MOST_TOLD)
        raise InvalidRequest(sentence(told), {"errors": told})


def _wrong_in_query(request: Request, known: list[str]) -> list[tuple[str, str, str]]:
    """(where, name, code) of each, the unknown first."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [("query", name, _UNKNOWN) for name in counts if name not in known]
    repeated = [("query", name, _REPEATED) for name in known if counts[name] > 1]
    return unknown + repeated


def _message(name: str, code: str, known: list[str]) -> str:
    if code == _REPEATED:
        return "stands there more than once"
    similar = get_close_matches(name[:_LONGEST_COMPARED], known, n=1)
    return "there is no such parameter here" + (f"; did you mean {similar[0]}?" if similar else "")


def _declared(request: Request) -> tuple[list[str], list[str]]:
    """Names of the route's parameters in the query, and of its headers, as OpenAPI has them."""
    path = getattr(request.scope.get("route"), "path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    locations: dict[str, list[str]] = {"query": [], "header": []}
    for parameter in operation.get("parameters", ()):
        locations.setdefault(parameter["in"], []).append(parameter["name"])
    return locations["query"], locations["header"]
