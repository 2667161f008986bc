"""One command's connection to the API: its errors end the process, its answers are shown."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import typer
from rich.console import RenderableType
from rich.text import Text

from cli.client.api_client import ApiClient
from cli.client.client_errors import ClientError, Json
from cli.options import DEFAULT_API_URL
from cli.rendering import render_lists
from cli.rendering.formatting import printable
from cli.rendering.outcome import Command
from cli.rendering.problem_text import problem_lines

FAILED = 1


@contextmanager
def session(api_url: str, tenant: str | None, *, as_json: bool) -> Iterator[ApiClient]:
    """A client whose errors end the process with exit code 1: a message on stderr, with --json a document on stdout."""
    try:
        # from the environment and not from an option, because every user can read command lines
        with ApiClient(api_url, tenant, os.environ.get("INGEST_API_KEY")) as client:
            yield client
    except ClientError as error:
        if as_json:
            print_json(error.document)
        err = render_lists.console(stderr=True)
        for line in error_lines(error, api_url):
            err.print(line, soft_wrap=True)
        if error.document.get("code") == "not_found":
            err.print(f"  Only the uploads of {_owner(tenant)} were looked at; --tenant names another.", markup=False)
        raise typer.Exit(FAILED) from error


def _owner(tenant: str | None) -> str:
    return f"tenant {printable(tenant)}" if tenant else "the default tenant"


def error_lines(error: ClientError, api_url: str) -> list[Text]:
    """All that an error says: the message in red, then the rest."""
    return [Text(error.message, "red"), *(Text(f"  {line}") for line in problem_lines(error.document, api_url))]


def command_for(client: ApiClient) -> Command:
    """Makes command lines that reach the same API and tenant as `client`."""
    options: list[str] = []
    if client.tenant:
        options += ["--tenant", client.tenant]
    if client.api_url != os.environ.get("INGEST_API_URL", DEFAULT_API_URL).rstrip("/"):
        options += ["--api-url", client.api_url]
    return lambda *words: shlex.join(["imdb-ingest", *map(str, words), *options])


def show(answer: Json, *views: Callable[[Json], RenderableType], as_json: bool) -> None:
    """Print the answer as JSON, or as the views see it."""
    if as_json:
        print_json(answer)
        return
    out = render_lists.console()
    for view in views:
        out.print(view(answer))


def show_all(parts: Iterable[RenderableType]) -> None:
    """Print the parts. The terminal wraps lines of text by itself, so that a command in them can be copied."""
    out = render_lists.console()
    for part in parts:
        out.print(part, soft_wrap=isinstance(part, Text))


def print_json(document: Json) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
