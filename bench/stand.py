"""The product on its servers, ready to be measured: one stack for the whole run.

A part gets it warm, one worker of two processes, leaves nothing in the tables, and puts back what it changed.
"""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import generate
from bench.client import Client, Done, Segment, Sent
from bench.data import LoadFile, Sums
from bench.database import Database, require_equal
from bench.measure import Watch, family
from stack.local import LocalStack

# Settings of a stand that answers each question from the database.
NO_ANSWERS_KEPT: Final = {"INGEST_CACHE_SECONDS": "0"}
_WARM_ROWS: Final = 500
_LOADER_MODULE: Final = b"shared.ingest.loading.background_process"


class Stand:
    """A running stack with a client, a connection to its database, and a watch over its processes."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.client = Client(stack.api_url)
        self.database = Database(stack.database_url)

    def close(self) -> None:
        """Close the connections; the stack goes on."""
        self.client.close()
        self.database.close()

    def warm_up(self) -> None:
        """Load a small file both ways: imports and first connections are the price of a start and not of a load."""
        path = self.stack.data_dir / "warm.csv"
        generate.write(path, generate.movies(_WARM_ROWS, seed=0))
        for use_celery in (True, False):
            self.clear(self.client.finish(self.client.send_file(path, use_celery=use_celery)))

    def load(self, file: LoadFile, *, use_celery: bool) -> Done:
        """Upload the file, wait until it has completed, check its sums."""
        done = self.client.finish(self.client.send_file(file.path, use_celery=use_celery))
        self.require_sums(done, file.sums, file.rows)
        return done

    def require_sums(self, done: Done, expected: Sums, rows: int) -> None:
        """Raise `WrongSums` unless the upload has these rows, sums and rejects."""
        require_equal("the product", self.database.sums_of_upload(done.sent.number), expected)
        records = done.document["records"]
        good = expected["rows"]
        require_equal("its records", records, {"read": rows, "loaded": good, "rejected": rows - good, "duplicate": 0})

    def clear(self, done: Done) -> None:
        """Take the upload back and remove its stored bytes."""
        self.client.post(f"/uploads/{done.sent.id}/undo")
        self.forget_files()

    def cancel(self, sent: Sent) -> None:
        """End an upload that is not loaded and remove its stored bytes."""
        self.client.post(f"/uploads/{sent.id}/cancel")
        self.forget_files()

    def forget_files(self) -> None:
        """Remove stored files of uploads that have ended: the disk is for the next one."""
        for path in (self.stack.data_dir / "uploads").iterdir():
            path.unlink()

    def settle(self) -> None:
        """What was before is on the disk, so that the next measurement does not pay for it."""
        self.database.checkpoint()
        os.sync()

    def watch(self) -> Watch:
        """Over the product's processes and PostgreSQL's."""
        api, valkey = self.stack.api.pid, self.stack.valkey.pid
        workers = [worker.pid for worker in self.stack.workers]
        groups = {
            "API": lambda: [api],
            "background loader": lambda: [pid for pid in family(api)[1:] if _LOADER_MODULE in _command(pid)],
            "Celery parent": lambda: workers,
            "Celery pool process": lambda: [pid for worker in workers for pid in family(worker)[1:]],
            "Valkey": lambda: [valkey],
        }
        return Watch(groups, self.server_family)

    def server_family(self) -> list[int]:
        """PostgreSQL: the postmaster and all of its backends."""
        return family(self.stack.postgres.pid)

    def restart(self) -> None:
        """New processes of the product: their memory has no history."""
        for service in (self.stack.worker, self.stack.api):
            service.stop()
            service.start()
            service.wait_ready()
        self.warm_up()

    @contextmanager
    def no_worker(self) -> Iterator[None]:
        """No worker answers Celery messages in this block."""
        self.stack.worker.stop()
        try:
            yield
        finally:
            self.stack.worker.start()
            self.stack.worker.wait_ready()
            self.warm_up()


@contextmanager
def running_stand(
    directory: Path, database_url: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Stand]:
    """A stack of its own for a block; with `database_url` on a server that runs already."""
    with LocalStack(directory, database_url=database_url, settings=settings) as stack:
        stand = Stand(stack)
        try:
            stand.warm_up()
            yield stand
        finally:
            stand.close()


def whole(path: Path) -> Segment:
    """All bytes of a file."""
    return Segment(path, 0, path.stat().st_size)


def end_in_order() -> None:
    """SIGTERM as Ctrl-C: everything is stopped and removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
