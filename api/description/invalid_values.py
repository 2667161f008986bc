"""Why a parameter cannot have its value, for a person: with the value, the nearest possible one, or an example.

pydantic's own messages show the pattern that a value does not match, and not the value.
"""

import re
from typing import Any, Final

from fastapi import Request

from api.description.suggestions import did_you_mean, quoted

_OF_CHOICES: Final = ("enum", "literal_error")
_OF_PATTERN: Final = "string_pattern_mismatch"


def message_of(error: dict[str, Any], request: Request) -> str:
    """The message for one of pydantic's errors about a request."""
    given = error.get("input")
    if not isinstance(given, str | int | float):
        return str(error["msg"])
    value = str(given)
    if error["type"] in _OF_CHOICES:
        choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return f"{quoted(value)} is not possible{did_you_mean(value, choices) or '.'} Possible: {', '.join(choices)}."
    if error["type"] == _OF_PATTERN:
        return f"{quoted(value)} is not possible. {_explanation(request, error['loc'])}".rstrip()
    return f"{error['msg']}, not {quoted(value)}"


def _explanation(request: Request, location: tuple[str | int, ...]) -> str:
    """What the OpenAPI document says of the parameter, with examples; "" if it says nothing."""
    path = getattr(request.scope.get("route"), "path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    where, name = str(location[0]), str(location[-1]).lower()
    for parameter in operation.get("parameters", ()):
        if (parameter["in"], parameter["name"].lower()) == (where, name):
            examples = parameter["schema"].get("examples") or parameter.get("examples") or []
            example = f" For example: {', '.join(map(str, examples))}." if examples else ""
            return f"{parameter.get('description', '')}{example}".strip()
    return ""
