"""The storm from its beginning to the verdict: a stack, clients, readers, the nemesis, quiet, the checker."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic

import psutil
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from stack.local import LocalStack
from stack.services import Service
from tests.chaos.checker import Checker, Verdict, wait_until_settled
from tests.chaos.clients import Meddler, Numbers, OpenCount, Sender
from tests.chaos.faults import KINDS, Fault, Nemesis, T, Target, plan
from tests.chaos.files import Factory
from tests.chaos.ledger import Finding, Ledger
from tests.chaos.measures import Recovery, Said, read_logs, recovery
from tests.chaos.readers import ApiReader, SqlReader
from tests.chaos.versions.part import VersionsPart

# Small, so that a load has many batches and many moments to die in; both kinds of upload occur.
SETTINGS: Final = {
    "INGEST_LEASE_SECONDS": "5",
    "INGEST_SWEEP_INTERVAL_SECONDS": "1",
    "INGEST_MERGE_INTERVAL_SECONDS": "1",
    "INGEST_BATCH_BYTES": "65536",
    "INGEST_SMALL_UPLOAD_BYTES": "131072",
    "INGEST_TASK_SLICE_SECONDS": "5",
}
_QUIET_SECONDS: Final = 60.0
_SENDERS: Final = 2

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How hard it blows: seconds between faults, longest stop, uploads that are open at a time, and processes."""

    gap: float = 3.5
    longest_stop: float = 20.0
    most_open: int = 12
    apis: int = 2
    workers: int = 3


SHORT: Final = Size(gap=2.0, longest_stop=8.0, most_open=6, apis=2, workers=2)


@dataclass(frozen=True, slots=True)
class Scene(Generic[T]):
    """What a storm breaks, who breaks it by which kinds of faults, and where its stored files are read afterwards."""

    open_stack: Callable[[Path, Size], AbstractContextManager[T]]
    nemesis: type[Nemesis[T]]
    kinds: Sequence[str]
    stored_files: Callable[[T, Path], Path]


def _one_machine(directory: Path, size: Size) -> LocalStack:
    return LocalStack(directory, apis=size.apis, workers=size.workers, settings=SETTINGS)


ONE_MACHINE: Final[Scene[Target]] = Scene(_one_machine, Nemesis, KINDS, lambda _stack, directory: directory / "uploads")


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that is known afterwards."""

    seed: int
    kinds: Sequence[str]
    faults: list[Fault]
    ledger: Ledger
    versions: VersionsPart
    meddled: dict[str, int]
    verdict: Verdict
    recovery: Recovery
    said: Said
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        """Of readers, clients, nemesis and checker."""
        return [*self.ledger.findings, *self.verdict.findings]

    @property
    def counts(self) -> Counter[str]:
        """Findings by kind."""
        return Counter(finding.kind for finding in self.findings)


def storm(scene: Scene[T], directory: Path, seed: int, kills: int, size: Size, tell: Tell) -> Outcome:
    """Everything; it stops by itself and leaves no process behind."""
    started = time.monotonic()
    ledger, factory = Ledger(), Factory(seed)
    versions = VersionsPart(seed, ledger)
    meddler = Meddler([], ledger)
    with ExitStack() as afterwards, scene.open_stack(directory, size) as stack:
        planned = plan(seed, kills, size.gap, size.longest_stop, scene.kinds)
        nemesis = scene.nemesis(stack, planned, ledger, tell)
        afterwards.callback(nemesis.clear_up)
        tell(f"{size.apis} APIs and {size.workers} workers run; the storm begins")
        urls = [api.url for api in stack.apis]
        meddler, open_count = Meddler(urls, ledger), OpenCount(size.most_open)
        sender = Sender(seed, urls, factory, Numbers(), ledger, meddler, open_count)
        clients = [*[sender.run] * _SENDERS, *versions.clients(urls, meddler, open_count), meddler.run]
        readers = [ApiReader(urls, ledger).run, SqlReader(stack.database_url, ledger, open_count).run]
        with _threads([*readers, *versions.readers(urls)], ledger.readers_may_go):
            with _threads(clients, ledger.storm_is_over):
                nemesis.run()
            tell("the storm is over; waiting until everything is settled")
            settled_seconds = wait_until_settled(stack.database_url, _QUIET_SECONDS)
            _require_answers(stack, ledger)
        requests = [*ledger.attempts, *versions.requests]
        stored = scene.stored_files(stack, directory)
        verdict = Checker(stack.database_url, stored, ledger.attempts, versions.requests).check()
        versions.check(stack.database_url, stored, verdict)
        verdict.settled_seconds = settled_seconds
        measured = recovery(stack.database_url, nemesis.done, requests)
    for process in _left_behind(directory):
        ledger.report("process left", str(process.pid), " ".join(process.cmdline())[:200])
    said = read_logs(directory / "logs")
    seconds = time.monotonic() - started
    return Outcome(seed, scene.kinds, nemesis.done, ledger, versions, meddler.done, verdict, measured, said, seconds)


@contextmanager
def _threads(bodies: list[Callable[[], None]], end: threading.Event) -> Iterator[None]:
    """Run them beside the block; set `end` after it and wait for them."""
    threads = [threading.Thread(target=body, daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join(_QUIET_SECONDS)


def _require_answers(stack: Target, ledger: Ledger) -> None:
    """Everybody is back at work: each API answers, each worker hears a ping through Valkey."""
    for service in [*stack.apis, *stack.workers]:
        deadline = time.monotonic() + 20
        while not (is_fine := _answers(service)) and time.monotonic() < deadline:
            time.sleep(0.2)
        if not is_fine:
            ledger.report("dead service", service.name, f"running: {service.running}, but it does not answer")


def _answers(service: Service) -> bool:
    try:
        return service.answers()
    except (RedisError, OperationalError):  # the asker's own connection may be one from before Valkey was restarted
        return False


def _left_behind(directory: Path) -> list[psutil.Process]:
    """Processes that know our directory, or one within it, and still run."""
    found = []
    for process in psutil.process_iter():
        try:
            data_dir = process.environ().get("INGEST_DATA_DIR", "")
            if Path(data_dir).is_relative_to(directory) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
