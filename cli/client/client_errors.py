"""Errors between the client and the API. Each has a readable message and a JSON document.

ClientError
|-- NoKeyError       INGEST_API_KEY does not contain a key; nothing was sent
|-- LocalFileError   a file here cannot be sent, because it is unreadable or wrongly named, or cannot be written
|-- ProblemError     the API answered with application/problem+json, or with another answer that is not a success
`-- UnreachableError no answer: no server listens there, or the connection broke
"""

from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

import httpx

from cli.rendering.formatting import printable

Json = dict[str, Any]


class ClientError(Exception):
    """Base of all; `--json` prints `document`, which has the shape of problem+json."""

    def __init__(self, message: str, document: Json) -> None:
        super().__init__(message, document)
        self.message = message
        self.document = document

    def __str__(self) -> str:
        return self.message


class NoKeyError(ClientError):
    """The key in the environment is malformed. The message does not show it."""


class LocalFileError(ClientError):
    """A file of this machine cannot be sent or written."""


class ProblemError(ClientError):
    """An answer with an error status, or one that does not come from this API."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.document["status"])


class UnreachableError(ClientError):
    """No answer from the API."""


def problem_of(response: httpx.Response) -> ProblemError:
    """The error for an answer whose body has been read; without problem+json the document has only the status."""
    document: Json = {"type": "about:blank", "title": _reason(response.status_code)}
    if response.headers.get("content-type", "").startswith(("application/problem+json", "application/json")):
        document |= _object(response)
    document["status"] = response.status_code
    return ProblemError(_sentence(document), document)


def not_ours(response: httpx.Response) -> ProblemError:
    """The error for a success that does not come from this API, because another server listens there."""
    detail = f"the server at {response.url.copy_with(query=None)} is not the API of this client"
    document = {"type": "about:blank", "title": "Unexpected answer", "status": response.status_code, "detail": detail}
    return ProblemError(_sentence(document), document)


def no_key() -> NoKeyError:
    """The error for a malformed key."""
    message = "INGEST_API_KEY is not a valid key: it has missing, extra or wrong characters."
    return NoKeyError(message, {"type": "about:blank", "title": "No key", "code": "key_invalid", "detail": message})


def not_sent(code: str, detail: str) -> LocalFileError:
    """The error for a file that is not sent."""
    document = {"type": "about:blank", "title": "Not sent", "code": code, "detail": detail}
    return LocalFileError(printable(detail), document)


def unknown_name(kind: str, name: str, known: list[str]) -> ClientError:
    """The error for a name that the API does not know."""
    near = get_close_matches(name, known, n=1)
    detail = f"There is no {kind} {name!r}{f'; did you mean {near[0]!r}?' if near else '.'}"
    document = {"type": "about:blank", "title": "Unknown name", "code": f"unknown_{kind}", "detail": detail}
    return ClientError(printable(detail), {**document, "known": known})


def not_written(error: OSError) -> LocalFileError:
    """The error for a file that cannot be written."""
    detail = f"{error.filename or 'The output'} cannot be written: {error.strerror or error}."
    document = {"type": "about:blank", "title": "Not written", "code": "unwritable", "detail": detail}
    return LocalFileError(printable(detail), document)


def unreachable(base_url: str, error: httpx.TransportError) -> UnreachableError:
    """The error for a connection that failed or broke."""
    reason = printable(str(error)) or type(error).__name__
    message = f"The API at {base_url} does not answer ({reason}). Is it running? `imdb-ingest up` starts it."
    return UnreachableError(
        message, {"type": "about:blank", "title": "API unreachable", "code": "unreachable", "detail": message}
    )


def _object(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


def _sentence(document: Json) -> str:
    """`Title (404 not_found): detail [trace abc]`, without the parts that the document does not have."""
    code = f" {document['code']}" if document.get("code") else ""
    text = f"{document['title']} ({document['status']}{code})"
    detail = document.get("detail") or "; ".join(_field_error(error) for error in document.get("errors") or [])
    if detail:
        text += f": {detail}"
    if document.get("trace_id"):
        text += f" [trace {document['trace_id']}]"
    return printable(text)


def _field_error(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    return f"{error.get('location', '?')}: {error.get('message', '?')}"
