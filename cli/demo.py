"""`imdb-ingest demo`: load a file on servers of its own, in a temporary directory, and show every step."""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from rich.console import Console
from rich.rule import Rule

from cli.client.api_client import ApiClient
from cli.client.client_errors import ClientError, Json
from cli.interrupts import INTERRUPTED
from cli.rendering import render_lists, render_upload
from cli.rendering.formatting import printable
from cli.rendering.progress import ProgressView, progress_view
from cli.sending.files import InputFile
from cli.sending.send import follow, send
from shared.database.state_machine import UploadState
from stack.local import LocalStack, quiet
from stack.stack_errors import Interrupted, StackError
from stack.supervisor import Signals

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "movies.csv"
FAILED = 1
_SHOWN_REJECTS = 50
_SHOWN_MOVIES = 15


def run(file: Path | None) -> int:
    """Load `file` (None: the sample) with Celery and show the result; return the exit code."""
    source = file or SAMPLE
    if not source.is_file():
        return _failed(f"There is no sample at {source}; choose a file with --file.")
    out = render_lists.console()
    directory = tempfile.TemporaryDirectory(prefix="imdb-ingest-demo-")
    # Regardless of the environment: the demo needs no keys, because its API is on loopback and exists only briefly.
    stack = LocalStack(Path(directory.name), flower=True, settings={"INGEST_REQUIRE_KEYS": "false"})
    with Signals(stack) as stop:
        try:
            upload = _show(out, stack, source, stop)
        except Interrupted:
            return INTERRUPTED
        except (ClientError, StackError) as error:
            # a second Ctrl-C ends the services that the demo talks to
            return INTERRUPTED if stop.is_set() else _failed(str(error))
        finally:
            with out.status("stopping everything"):
                stop.set()  # from here on a Ctrl-C only makes the stopping quicker
                stack.stop()
                directory.cleanup()
            out.print("[green]✓[/] stopped; nothing is left behind")
    return 0 if upload["state"] == UploadState.COMPLETED else FAILED


def _show(out: Console, stack: LocalStack, source: Path, stop: Event) -> Json:
    began = time.monotonic()
    with out.status("starting PostgreSQL, Valkey, the API, a Celery worker and Flower"):
        stack.start(quiet, stop)
    out.print(f"[green]✓[/] stack is up after {time.monotonic() - began:.1f} s: {stack.api_url}/docs")
    with ApiClient(stack.api_url, None) as client:
        out.print(Rule(f"uploading {source.name} with use_celery=true", align="left"))
        with progress_view(out, silent=False) as bars:
            view = _Stoppable(bars, stop)
            upload = follow(client, send(client, InputFile.at(source), {"use_celery": True}, view), view)
        out.print(render_upload.counts(upload))
        if upload["error"]:
            out.print(printable(upload["error"]["message"]), style="bold red", markup=False)
        path = f"/uploads/{upload['id']}/rejects"
        out.print(render_lists.rejects(client.page(path, {"page_size": _SHOWN_REJECTS})))
        out.print(render_lists.movies(client.page("/movies", {"page_size": _SHOWN_MOVIES})))
    return upload


@dataclass(frozen=True)
class _Stoppable:
    """A view that raises `Interrupted` at the next step after Ctrl-C."""

    view: ProgressView
    stop: Event

    def show(self, phase: str, done: int, total: int | None, note: str) -> None:
        if self.stop.is_set():
            raise Interrupted
        self.view.show(phase, done, total, note)


def _failed(message: str) -> int:
    sys.stderr.write(f"demo: {printable(message)}\n")
    return FAILED
