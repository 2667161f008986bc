"""Loaders and publishers that a test moves step by step, and their files."""

import csv
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from sqlalchemy import Engine

from shared.csv.reading.records import Records
from shared.database.loader_connection import LoaderConnection
from shared.errors import Unavailable
from shared.ingest.loading.loader import Loader
from shared.ingest.work import ClaimedBatch, Work
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.upload_model import ModelBatch, ModelUpload
from tests.rows import movies

PATIENCE_SECONDS = 30

T = TypeVar("T")


class SimulatedLoader:
    """A loader whose session was ended, because another took its batch, goes on with a new one: the fence must hold."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = LoaderConnection(settings)

    def do(self, action: Callable[[LoaderConnection], T]) -> T:
        try:
            return action(self._connection)
        except Unavailable:
            self._connection.close()
            self._connection = LoaderConnection(self._settings)
            return action(self._connection)

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Platform:
    """What all examples of the stateful test share."""

    engine: Engine
    settings: Settings
    intake: Intake
    loader: Loader
    loaders: list[SimulatedLoader]


@dataclass(eq=False, slots=True)
class Held:
    """A batch that a loader has claimed, and still believes to have."""

    loader: SimulatedLoader
    work: Work
    claimed: ClaimedBatch
    upload: ModelUpload
    batch: ModelBatch
    records: Records | None = None


class PausedPublisher:
    """Waits at a failpoint until `go_on`; its `reach` replaces `shared.failpoints.reach`."""

    present: ClassVar = threading.local()

    def __init__(self, publish: Callable[[], bool], point: str, upload: ModelUpload) -> None:
        self.upload = upload
        self._publish = publish
        self._point = point
        self._outcome: bool | Exception = False
        self._halted, self._may_go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._halted.wait(PATIENCE_SECONDS)

    def go_on(self) -> bool | Exception:
        """What the publication returned or raised in the end."""
        self._may_go_on.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        return self._outcome

    @classmethod
    def reach(cls, point: str) -> None:
        publisher = getattr(cls.present, "publisher", None)
        if publisher is not None and publisher._point == point:
            publisher._halted.set()
            publisher._may_go_on.wait(PATIENCE_SECONDS)

    def _run(self) -> None:
        self.present.publisher = self
        try:
            self._outcome = self._publish()
        except Exception as error:  # noqa: BLE001 - the test judges it
            self._outcome = error
        finally:
            self._halted.set()


def make_file(records: int, bad: int | None = None) -> bytes:
    """Of two years, so that totals have rows to go wrong in."""
    years = ("1995-10-30", "1996-01-01")
    return movies(*[{"title": "" if n == bad else f"Film {n}", "release_date": years[n % 2]} for n in range(records)])


SMALL = make_file(3, bad=1)
LARGE = make_file(20, bad=2)
CLEAN = make_file(20)  # a batch that is committed twice fails at the fence, not at a reject's key
# content, and whether it may have rejects
KINDS = {"small": (SMALL, True), "large": (LARGE, True), "clean": (CLEAN, True)}
KINDS |= {"small over budget": (SMALL, False), "large over budget": (LARGE, False)}


def count_records(span: bytes) -> tuple[int, int]:
    """Good and bad records, by Python's csv module."""
    titles = [row[9] for row in csv.reader(io.StringIO(span.decode(), newline=""))]
    return sum(map(bool, titles)), sum(not title for title in titles)
