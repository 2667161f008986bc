"""The nemesis: a seeded list of faults, each aimed at a process that is at work, and the repairs that follow."""

import contextlib
import heapq
import itertools
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

import psutil
import psycopg2

from stack.guard import guard
from stack.postgres import PostgresServer
from stack.process import kill_all
from stack.services import Service
from stack.stack_errors import StackError
from stack.valkey import ValkeyServer
from tests.chaos.ledger import Ledger
from tests.chaos.seeds import stream
from tests.chaos.servers import Emptying, crash_postgres, empty_valkey, kill_valkey

KINDS: Final = (
    "kill -9 api",
    "kill -9 worker",
    "kill -9 pool child",
    "kill -9 background",
    "stop pool child",
    "stop worker",
    "stop background",
    "postgres crash",
    "valkey kill -9",
    "valkey emptied",
    "stop valkey",
    "SIGTERM worker",
)
# What lasts for seconds; everything else is repaired within two.
_LASTING: Final = ("stop", "cut", "part")
_TERM_SECONDS: Final = 30.0
_AIM_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """`gap` seconds after the one before; `seconds` is how long what it hits is down or stopped; `aim` is 0 to 1."""

    kind: str
    gap: float
    seconds: float
    aim: float


@dataclass(slots=True)
class Fault:
    """One that was done: when (`time.time`), to whom, and the batches (upload, number) in the hands of its victim."""

    kind: str
    at: float
    target: str
    interrupted: list[tuple[int, int]] = field(default_factory=list)


def plan(seed: int, kills: int, gap: float, longest_stop: float, of_kinds: Sequence[str] = KINDS) -> list[PlannedFault]:
    """Every kind about equally often, in an order of the seed; about one fault every `gap` seconds."""
    chance = stream(seed, "faults")
    kinds = [kind for _ in range(kills // len(of_kinds) + 1) for kind in chance.sample(of_kinds, len(of_kinds))]
    faults = []
    for kind in kinds[:kills]:
        seconds = (
            chance.uniform(longest_stop / 3, longest_stop) if kind.startswith(_LASTING) else chance.uniform(0.5, 2)
        )
        faults.append(PlannedFault(kind, chance.uniform(0.7, 1.3) * gap, seconds, chance.random()))
    return faults


class Target(Protocol):
    """What it may break; lists of services are those that run at the beginning."""

    @property
    def postgres(self) -> PostgresServer: ...
    @property
    def valkey(self) -> ValkeyServer: ...
    @property
    def apis(self) -> Sequence[Service]: ...
    @property
    def workers(self) -> Sequence[Service]: ...
    @property
    def database_url(self) -> str: ...


T = TypeVar("T", bound=Target)


class Nemesis(Generic[T]):
    """Does the faults one after the other; what it broke is repaired after a moment, while others break."""

    def __init__(self, stack: T, faults: Sequence[PlannedFault], ledger: Ledger, tell: Callable[[str], None]) -> None:
        self._stack = stack
        self._tell = tell
        self._planned = faults
        self._ledger = ledger
        self._repairs: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._down: set[str] = set()
        self._strays: list[psutil.Process] = []
        self.done: list[Fault] = []

    def run(self) -> None:
        """All faults; returns when the last is done and everything is repaired."""
        for planned in self._planned:
            self._repair_until(time.monotonic() + planned.gap)
            deadline = time.monotonic() + 30
            while not self._strike(planned) and time.monotonic() < deadline:
                self._repair_until(time.monotonic() + 0.2)
        while self._repairs:
            self._repair_until(self._repairs[0][0] + 0.01)

    def clear_up(self) -> None:
        """End what outlived a killed parent."""
        self._repairs.clear()
        for process in self._strays:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        kill_all(self._strays)

    def _strike(self, planned: PlannedFault) -> bool:
        """False if there is nothing to hit at the moment."""
        if planned.kind.startswith(("postgres", "valkey")) or planned.kind == "stop valkey":
            return self._strike_server(planned)
        if planned.kind in {"kill -9 api", "kill -9 worker", "SIGTERM worker"}:
            return self._strike_service(
                planned, signal.SIGTERM if planned.kind.startswith("SIGTERM") else signal.SIGKILL
            )
        return self._strike_process(planned)

    def _strike_server(self, planned: PlannedFault) -> bool:
        is_postgres, valkey = planned.kind == "postgres crash", self._stack.valkey
        if not is_postgres and "valkey" in self._down:
            return False
        how = Emptying.LIVE if planned.aim < 0.5 else Emptying.FILES
        target = {"postgres crash": "postgres", "valkey emptied": f"valkey: {how.value}"}.get(planned.kind, "valkey")
        self._note(planned, target, None if is_postgres else set())
        if is_postgres:
            crash_postgres(self._stack.postgres, planned.seconds)
        elif planned.kind == "valkey kill -9":
            kill_valkey(valkey, planned.seconds)
        elif planned.kind == "valkey emptied":
            empty_valkey(valkey, how)
        else:
            self._down.add("valkey")
            psutil.Process(valkey.pid).suspend()
            self._later(planned.seconds, self._resume_valkey)
        return True

    def _resume_valkey(self) -> None:
        _resume(psutil.Process(self._stack.valkey.pid))
        self._down.discard("valkey")

    def _strike_service(self, planned: PlannedFault, number: signal.Signals) -> bool:
        services = self._up(self._stack.apis if planned.kind.endswith("api") else self._stack.workers)
        families = [[child.pid for child in children(service)] for service in services]
        if not services:
            return False
        service = services[self._aim(planned, families)]
        family = children(service)
        self._note(planned, service.name, {child.pid for child in family})
        self._down.add(service.name)
        psutil.Process(service.pid).send_signal(number)
        self._strays += family
        limit = time.monotonic() + (_TERM_SECONDS if number == signal.SIGTERM else 0)
        self._later(planned.seconds, lambda: self._start_again(service, limit))
        return True

    def _strike_process(self, planned: PlannedFault) -> bool:
        """A child, or a worker's main process."""
        victims = self._victims(planned.kind)
        if not victims:
            return False
        name, process = victims[self._aim(planned, [[process.pid] for _name, process in victims])]
        self._note(planned, name, {process.pid})
        with contextlib.suppress(psutil.NoSuchProcess):
            if planned.kind.startswith("stop"):
                process.suspend()
                self._later(planned.seconds, lambda: _resume(process))
            else:
                process.kill()
        return True

    def _aim(self, planned: PlannedFault, families: Sequence[Sequence[int]]) -> int:
        """Which one: of those that hold a batch, if there is one within a moment."""
        busy: list[int] = []
        deadline = time.monotonic() + _AIM_SECONDS
        while not busy and time.monotonic() < deadline:
            pids = {int(loader.rpartition(":")[2]) for loader, *_ in self._leased()}
            busy = [index for index, family in enumerate(families) if pids.intersection(family)]
            time.sleep(0 if busy else 0.02)
        indexes = busy or list(range(len(families)))
        return indexes[int(planned.aim * len(indexes))]

    def _victims(self, kind: str) -> list[tuple[str, psutil.Process]]:
        if kind == "stop worker":
            return [(worker.name, psutil.Process(worker.pid)) for worker in self._up(self._stack.workers)]
        services: Sequence[Service] = self._stack.apis if kind.endswith("background") else self._stack.workers
        return [(f"{service.name}'s child", child) for service in self._up(services) for child in children(service)]

    def _start_again(self, service: Service, limit: float) -> None:
        """Like a service manager: as soon as the old one is gone; orphans of its are left to themselves."""
        if service.running and time.monotonic() < limit:
            self._later(0.2, lambda: self._start_again(service, limit))
            return
        if service.running:
            self._ledger.report("did not stop", service.name, f"still there {_TERM_SECONDS:.0f} s after SIGTERM")
            service.kill()
        guard.forget(service.pid)
        try:
            service.start()
        except StackError:  # its port may still be in use by its orphan
            self._later(0.5, lambda: self._start_again(service, limit))
            return
        self._down.discard(service.name)

    def _up(self, services: Sequence[Service]) -> list[Service]:
        return [service for service in services if service.name not in self._down and service.running]

    def _later(self, seconds: float, repair: Callable[[], None]) -> None:
        heapq.heappush(self._repairs, (time.monotonic() + seconds, next(self._order), repair))

    def _repair_until(self, moment: float) -> None:
        while self._repairs and self._repairs[0][0] <= moment:
            due, _order, repair = heapq.heappop(self._repairs)
            time.sleep(max(0.0, due - time.monotonic()))
            repair()
        time.sleep(max(0.0, moment - time.monotonic()))

    def _note(self, planned: PlannedFault, target: str, pids: set[int] | None) -> Fault:
        """Write the fault down just before it is done; `pids` None: it hits every loader."""
        in_hand = [
            (upload, number)
            for loader, upload, number in self._leased()
            if pids is None or int(loader.rpartition(":")[2]) in pids
        ]
        fault = Fault(planned.kind, time.time(), target, in_hand)
        for_long = f", {planned.seconds:.0f} s" if planned.kind.startswith(_LASTING) else ""
        holding = f", holding batches {in_hand}" if in_hand else ""
        self._tell(f"{len(self.done) + 1:>3} {planned.kind} ({target}{for_long}){holding}")
        self.done.append(fault)
        return fault

    def _leased(self) -> list[tuple[str, int, int]]:
        """Batches in somebody's hands: `host:pid`, upload, number."""
        try:
            connecting = psycopg2.connect(self._stack.database_url, connect_timeout=2)
            with closing(connecting) as connection, connection.cursor() as cursor:
                cursor.execute(_LEASED)
                return cursor.fetchall()
        except psycopg2.Error:
            return []


_LEASED = """
SELECT loader, upload_number, number FROM batches
WHERE state = 'pending' AND lease_until > clock_timestamp() AND loader IS NOT NULL
"""


def children(service: Service) -> list[psutil.Process]:
    """All processes below it."""
    try:
        return psutil.Process(service.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()
