"""Send an upload and follow it: show the bytes sent, then the records loaded."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

from cli.api_client import ApiClient, Params
from cli.client_errors import Json
from cli.progress import ProgressView, loading_note, sending_note

SENDING = "sending"
LOADING = "loading"
STDOUT = Path("-")


def send(client: ApiClient, file: Path, params: Params, view: ProgressView, path: str = "/upload") -> Json:
    """Upload `file` to `path` and return the upload from the answer. Raises `ClientError`."""
    total = file.stat().st_size

    def on_sent(sent: int) -> None:
        view.show(SENDING, sent, total, sending_note(sent, total))

    return client.upload(file, {"filename": file.name, **params}, on_sent, path)


def follow(client: ApiClient, upload: Json, view: ProgressView) -> Json:
    """Show the loading until the upload has ended, and return the ended upload. Raises `ClientError`."""
    for latest in client.watch(upload["id"]):
        progress, records = latest["progress"], latest["records"]
        note = loading_note(
            records["read"], records["rejected"], progress["records_per_second"], progress["eta_seconds"]
        )
        phase = LOADING if latest["phase"] == "done" else latest["phase"]
        view.show(phase, progress["bytes_done"], progress["bytes_total"], note)
    return latest


def write_blocks(blocks: Iterator[bytes], file: Path) -> None:
    """Write the blocks to `file` (- is stdout), which is created when the first block arrives. Raises `ClientError`."""
    first = next(blocks, b"")
    with nullcontext(sys.stdout.buffer) if file == STDOUT else file.open("wb") as output:
        for block in chain([first], blocks):
            output.write(block)
        output.flush()
