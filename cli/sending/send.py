"""Send an upload and follow it: show the bytes sent, then the records loaded."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

from cli.client.api_client import ApiClient, Params
from cli.client.client_errors import Json, not_written
from cli.interrupts import ctrl_c_says
from cli.rendering.formatting import printable
from cli.rendering.progress import ProgressView, loading_note, sending_note
from cli.sending.files import InputFile

SENDING = "sending"
LOADING = "loading"
INDEXING = "indexing"
INDEXING_NOTE = "building indexes"
STDOUT = Path("-")


def send(
    client: ApiClient,
    file: InputFile,
    params: Params,
    view: ProgressView,
    path: str = "/upload",
    idempotency_key: str | None = None,
) -> Json:
    """Upload `file` to `path` and return the upload from the answer. Raises `ClientError`."""
    with file.opened() as source:

        def on_sent(sent: int) -> None:
            view.show(SENDING, sent, source.size, sending_note(sent, source.size))

        return client.upload(source, {"filename": source.name, **params}, on_sent, path, idempotency_key)


def follow(client: ApiClient, upload: Json, view: ProgressView) -> Json:
    """Show the loading until the upload has ended, and return the ended upload. Raises `ClientError`."""
    for latest in client.watch(upload["id"]):
        progress, records = latest["progress"], latest["records"]
        note = loading_note(
            records["read"], records["rejected"], progress["records_per_second"], progress["eta_seconds"]
        )
        phase = LOADING if latest["phase"] in ("done", "planned") else latest["phase"]
        if phase == INDEXING:
            view.show(phase, progress.get("index_steps_done") or 0, progress.get("index_steps_total"), INDEXING_NOTE)
        else:
            view.show(phase, progress["bytes_done"], progress["bytes_total"], note)
    return latest


def write_blocks(blocks: Iterator[bytes], file: Path) -> None:
    """Write the blocks to `file` (- is stdout), which is created when the first block arrives. Raises `ClientError`."""
    first = next(blocks, b"")
    try:
        with (
            ctrl_c_says(lambda: f"Stopped; {printable(str(file))} is not complete."),
            nullcontext(sys.stdout.buffer) if file == STDOUT else file.open("wb") as output,
        ):
            for block in chain([first], blocks):
                output.write(block)
            output.flush()
    except BrokenPipeError:
        raise  # the reader of stdout has gone, which Typer handles
    except OSError as error:
        raise not_written(error) from error


def write_complete(blocks: Iterator[bytes], file: Path) -> None:
    """Write the blocks to `file`, which appears, or takes the place of an older one, when all are in it.

    Until then they are in `<file>.part` beside it, which an error removes. Raises `ClientError`.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        write_blocks(blocks, part)
        part.replace(file)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise not_written(error) from error
        raise
