"""`imdb-ingest demo`: load a file on servers of its own, in a temporary directory, and show every step."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.rule import Rule

from cli import render
from cli.api_client import ApiClient
from cli.client_errors import ClientError, Json
from cli.formatting import printable
from cli.progress import progress_view
from cli.sending import follow, send
from shared.database.state_machine import UploadState
from stack.local import LocalStack
from stack.stack_errors import StackError
from stack.supervisor import Signals

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "movies.csv"
FAILED = 1
INTERRUPTED = 130
_SHOWN_REJECTS = 50
_SHOWN_MOVIES = 15


def run(file: Path | None) -> int:
    """Load `file` (None: the sample) with Celery and show the result; return the exit code."""
    out = render.console()
    source = file or SAMPLE
    if not source.is_file():
        return _failed(f"There is no sample at {source}; choose a file with --file.")
    try:
        with _interruptible(), tempfile.TemporaryDirectory(prefix="imdb-ingest-demo-") as directory:
            upload = _show(out, source, Path(directory))
    except (ClientError, StackError) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if upload["state"] == UploadState.COMPLETED else FAILED


def _show(out: Console, source: Path, directory: Path) -> Json:
    with _running(out, directory) as stack, ApiClient(stack.api_url, None) as client:
        out.print(Rule(f"uploading {source.name} with use_celery=true", align="left"))
        with progress_view(out, silent=False) as view:
            upload = follow(client, send(client, source, {"use_celery": True}, view), view)
        out.print(render.counts(upload))
        path = f"/uploads/{upload['id']}/rejects"
        out.print(render.rejects(client.page(path, {"page_size": _SHOWN_REJECTS})))
        out.print(render.movies(client.page("/movies", {"page_size": _SHOWN_MOVIES})))
    return upload


@contextmanager
def _running(out: Console, directory: Path) -> Iterator[LocalStack]:
    """Run the whole stack; print a line when it is up and one when it has stopped."""
    began = time.monotonic()
    # Regardless of the environment: the demo needs no keys, because its API is on loopback and exists only briefly.
    stack = LocalStack(directory, flower=True, settings={"INGEST_REQUIRE_KEYS": "false"})
    with out.status("starting PostgreSQL, Valkey, the API, a Celery worker and Flower"):
        stack.start()
    try:
        out.print(f"[green]✓[/] stack is up after {time.monotonic() - began:.1f} s: {stack.api_url}/docs")
        yield stack
    finally:
        with out.status("stopping everything"), Signals(stack) as stop:
            stop.set()  # from here on a Ctrl-C only makes the stopping quicker
            stack.stop()
        out.print("[green]✓[/] stopped; nothing is left behind")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the demo like Ctrl-C: it stops the services and removes the directory."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _failed(message: str) -> int:
    sys.stderr.write(f"demo: {printable(message)}\n")
    return FAILED
