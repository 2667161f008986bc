"""docker-compose.yml as a test reads it: variables filled in, anchors merged."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
# ${NAME}, ${NAME:-default} and ${NAME:?message}; $$ is a dollar sign for the container
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")


class MissingVariableError(Exception):
    """A variable that has no default is not set."""


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with `variables` instead of `.env`; raises `MissingVariableError`."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if name is None:
            return "$"
        if found := variables.get(name):
            return found
        if operator != ":-":
            raise MissingVariableError(name)
        return str(rest)

    document: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text()))
    return document


def text() -> str:
    """The file as it is."""
    return (ROOT / "docker-compose.yml").read_text()


def environment_of(service: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a container gets; those without a value are handed on only if they are set."""
    return {name: str(value) for name, value in service["environment"].items() if value is not None}
