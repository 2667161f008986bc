"""How a file is to be read, as the API's query parameters. What the user did not ask for is not sent."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer

from cli.client.api_client import Params

NO_HEADER: Final = "none"


def table_parameters(
    *,
    mapping: Sequence[str],
    schema: Path | None,
    nulls: Sequence[str],
    date_format: str | None,
    header: str | None,
    has_header: bool,
    member: str | None,
) -> Params:
    """The parameters `mapping`, `schema`, `header` and `member`; raises `typer.BadParameter`."""
    if header is not None and not has_header:
        raise typer.BadParameter("--header names the columns of a file that has no header: leave --no-header out.")
    described = _schema(schema, nulls, date_format)
    return {
        "mapping": _compact(dict(map(_pair, mapping))) if mapping else None,
        "schema": _compact(described) if described else None,
        "header": header if has_header else NO_HEADER,
        "member": member,
    }


def _pair(text: str) -> tuple[str, str | None]:
    # the last =, because a name in a header may contain one, and a column of a dataset does not
    header, found, column = text.rpartition("=")
    if not (header and found):
        raise typer.BadParameter(f"{text!r} is not HEADER=COLUMN, or HEADER= for none.", param_hint="--map")
    return header, column or None


def _schema(file: Path | None, nulls: Sequence[str], date_format: str | None) -> dict[str, Any]:
    """The schema in the file, with the words and the format of the other options."""
    schema = read_document(file, "--schema") if file else {}
    if nulls:
        schema["missingValues"] = list(dict.fromkeys(["", *schema.get("missingValues", []), *nulls]))
    if date_format:
        schema["dateFormat"] = date_format
    return schema


def read_document(file: Path, hint: str = "FILE.json") -> dict[str, Any]:
    """The JSON object in a file; raises `typer.BadParameter`, which names the parameter by `hint`."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} is no readable JSON: {error}", param_hint=hint) from error
    if not isinstance(document, dict):
        raise typer.BadParameter(f"{file} does not hold a JSON object.", param_hint=hint)
    return document


def _compact(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
