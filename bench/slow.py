"""Part `slow`: how the API answers one good client beside 200 slow ones, and how long it puts up with those.

The slow ones are four kinds, as many of each: a head or the body of an upload, stalled or dripped. Each has to end with
408 and a closed connection; who gets anything else fails the part.
"""

import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final
from urllib.parse import urlsplit

from bench import pings
from bench.plan import Plan
from bench.results import Found, Table, at_most, median
from bench.stand import Stand

_CLIENTS: Final = 200
# A byte from each that drips; not from all at once, which would be one burst and long silence.
_DRIP_SECONDS: Final = 3.0
# The longest deadline is that of a body, 30 s; this is only to end at all.
_PATIENCE_SECONDS: Final = 120.0
_REFUSED: Final = b"HTTP/1.1 408 "

_HEAD: Final = b"GET /api/v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
_BODY: Final = (
    b"PUT /api/v1/upload?filename=slow.csv HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: text/csv\r\nContent-Length: 1000000\r\n\r\nid,title\r\n"
)


@dataclass(frozen=True)
class Kind:
    """What such a client says, and whether it goes on with a byte now and then."""

    name: str
    beginning: bytes
    drips: bool


_KINDS: Final = (
    Kind("stalled head", _HEAD, drips=False),
    Kind("dripped head", _HEAD, drips=True),
    Kind("stalled body", _BODY, drips=False),
    Kind("dripped body", _BODY, drips=True),
)


class NotRefused(Exception):
    """A slow client heard something else than 408, or its connection is still open."""


@dataclass
class SlowClient:
    """One connection; times are of `time.perf_counter`, `ended` 0 while it is open."""

    kind: Kind
    connection: socket.socket
    begun: float
    ended: float = 0.0
    heard: bytes = b""

    def drip(self) -> None:
        """A byte more, unless the server has begun to say something."""
        if not self.heard and not self.ended:
            with suppress(ConnectionError):  # it is just being closed
                self.connection.send(b"x")

    def listen(self) -> bool:
        """Take what the server said; False when that was its end."""
        block = b""
        with suppress(ConnectionError):  # a reset is an end, too
            block = self.connection.recv(65536)
        self.heard += block
        if not block:
            self.ended = time.perf_counter()
            self.connection.close()
        return bool(block)

    @property
    def seconds(self) -> float:
        """How long it lived."""
        return self.ended - self.begun


@dataclass
class Crowd:
    """All slow clients of one run, from the first connection to the last end."""

    clients: list[SlowClient] = field(default_factory=list)
    complete: float = 0.0

    @property
    def first_end(self) -> float:
        """Until then all are there."""
        return min(client.ended for client in self.clients)

    @property
    def last_end(self) -> float:
        """From then on all are gone."""
        return max(client.ended for client in self.clients)

    @property
    def seconds(self) -> float:
        """From the moment at which all were there until all were gone."""
        return self.last_end - self.complete

    def of(self, kind: Kind) -> list[float]:
        """How long those of a kind lived, in seconds."""
        return [client.seconds for client in self.clients if client.kind is kind]


def measure(stand: Stand, plan: Plan) -> Found:
    """Idle, then beside the crowd, alternating; the ratio is of the time in which all of it is there."""
    idle: pings.Runs = []
    beside: pings.Runs = []
    ending: pings.Runs = []
    crowds: list[Crowd] = []
    for _ in range(plan.runs):
        stand.settle()
        idle.append(pings.idle_pings(stand, plan))
        answers, crowd = pings.pinged(stand, lambda: outlived(stand.stack.api_url))
        beside.append(pings.asked_between(answers, crowd.complete, crowd.first_end))
        ending.append(pings.asked_between(answers, crowd.first_end, crowd.last_end))
        crowds.append(crowd)
    longest = max(crowd.seconds for crowd in crowds)
    phases = {"idle": idle, f"beside {_CLIENTS} slow clients": beside, "while they are refused": ending}
    return Found(
        [
            at_most(
                plan, f"`GET /ping` p99 beside {_CLIENTS} slow clients ÷ idle", pings.p99(beside) / pings.p99(idle), 1.2
            ),
            at_most(plan, "all of these are closed after", longest, 45, " s", digits=0),
        ],
        [pings.table(phases), _ends(crowds)],
    )


def outlived(url: str) -> Crowd:
    """Connect all, and keep each as slow as it is until the server has ended the last one."""
    address = urlsplit(url)
    crowd = Crowd()
    with selectors.DefaultSelector() as selector, ExitStack() as opened:
        for number in range(_CLIENTS):
            begun = time.perf_counter()
            connection = opened.enter_context(socket.create_connection((address.hostname or "", address.port or 0)))
            client = SlowClient(_KINDS[number % len(_KINDS)], connection, begun)
            connection.sendall(client.kind.beginning)
            selector.register(connection, selectors.EVENT_READ, client)
            crowd.clients.append(client)
        crowd.complete = time.perf_counter()
        _drip_until_all_end(selector, crowd)
    _require_refused(crowd.clients)
    return crowd


def _drip_until_all_end(selector: selectors.BaseSelector, crowd: Crowd) -> None:
    dripping = [client for client in crowd.clients if client.kind.drips]
    due = crowd.complete
    for client in cycle(dripping):
        due += _DRIP_SECONDS / len(dripping)
        while (left := due - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                if not key.data.listen():
                    selector.unregister(key.fileobj)
        if not selector.get_map():
            return
        if due > crowd.complete + _PATIENCE_SECONDS:
            raise NotRefused(f"{len(selector.get_map())} slow clients are there after {_PATIENCE_SECONDS:.0f} s")
        client.drip()


def _require_refused(clients: Sequence[SlowClient]) -> None:
    others = [client for client in clients if not client.heard.startswith(_REFUSED)]
    if others:
        heard = others[0].heard.decode(errors="replace")[:300]
        raise NotRefused(f"{len(others)} slow clients were not refused, one with a {others[0].kind.name}: {heard!r}")


def _ends(crowds: Sequence[Crowd]) -> Table:
    rows = []
    for kind in _KINDS:
        seconds = [value for crowd in crowds for value in crowd.of(kind)]
        values = (min(seconds), median(seconds), max(seconds))
        rows.append([kind.name, f"{len(seconds)}", *(f"{value:.1f}" for value in values)])
    title = "How long a slow client lives, s"
    note = f"All of them end with 408. Who drips sends a byte each {_DRIP_SECONDS:.0f} s."
    return Table(title, ["kind", "clients", "shortest", "median", "longest"], rows, note)
