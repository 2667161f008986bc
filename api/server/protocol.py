"""uvicorn's HTTP protocol with deadlines. uvicorn itself has only one, between two requests.

    head      must be complete `head_seconds` after its first byte; a new connection has as long to send that byte
    body      at least `bytes_per_second` in each window; only the time in which we read counts
    answer    the same rate for the client to take it, while so much is unsent that we must wait, or only wait to close

A client that is too slow with a body gets the application's own 408, unless an answer has begun. The protocol also
limits the size of heads and of the framing of chunks, which uvicorn with httptools does not limit.
"""

import array
import asyncio
import fcntl
import math
import termios
from contextlib import suppress
from enum import Enum, auto
from typing import Any, ClassVar, Final

import structlog
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.middleware.body_limits import IS_TOO_SLOW
from api.server.early_responses import HEAD_TOO_LARGE, MALFORMED, SLOW_HEAD, TOO_MANY_CONNECTIONS, EarlyResponse
from api.server.lingering_close import LingeringTransport
from api.server.transfer_rate import ReadingClock, TransferRate

MOST_HEAD_BYTES: Final = 16 * 1024
MOST_HEADERS: Final = 100
# How long a refused client may take to read the answer.
_LINGER_SECONDS: Final = 5.0
# The same for a client that is still sending. We read and drop this much, which shows whether it stops by itself.
_LINGERING_CLOSE_SECONDS: Final = 1.0
_DROPPED_BYTES: Final = 64 * 1024

log = structlog.get_logger()


class Stage(Enum):
    """The stage of a connection: what the client must send next."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class DeadlineProtocol(HttpToolsProtocol):
    """One connection. uvicorn creates it, so `transfer_rate` is a class attribute, see `protocol_with`."""

    transfer_rate: ClassVar[TransferRate] = TransferRate()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """A client connected; it must send a head."""
        super().connection_made(transport)
        self.flow = self._clock = ReadingClock(transport, self.loop.time)
        self._ignores_client = False
        self._bytes_to_drop = math.inf
        self._abort_at = math.inf
        self._unread: tuple[float, int] | None = None
        self._expect_head()
        self._make_room()
        self._check = self.loop.call_later(self.transfer_rate.check_seconds, self._check_deadlines)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client sent bytes; they are dropped once the client was refused."""
        if self._ignores_client:
            self._bytes_to_drop -= len(data)
            if self._bytes_to_drop < 0:
                self.flow.pause_reading()
            return
        if self._stage is Stage.IDLE:
            self._expect_head()
        self._framing_bytes += len(data)
        super().data_received(data)
        if self._stage is not Stage.IDLE and self._framing_bytes > MOST_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE if self._stage is Stage.HEAD else MALFORMED)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's text
        """The parser found invalid HTTP."""
        self._refuse(MALFORMED)

    def resume_writing(self) -> None:
        """The client took enough of the answer for us to continue."""
        self._unread = None
        super().resume_writing()

    # -- events of the parser

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._stage is Stage.IDLE:
            self._expect_head()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. A trailer (a header after the body) is ignored."""
        if self._stage is Stage.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete; the application starts."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._refuse(HEAD_TOO_LARGE)
        if self._ignores_client:
            return
        super().on_headers_complete()
        self.cycle.transport = LingeringTransport(self.transport, self._close_gently)
        self._stage = Stage.BODY
        self._expect_body()
        if self.expect_100_continue:
            self.flow.pause_reading()  # until the application asks for the body and uvicorn sends "100 Continue"

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._ignores_client:
            self._body_bytes += len(body)
            self._framing_bytes = 0
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if not self._ignores_client:
            self._stage = Stage.IDLE
            self.waiting_since = self.loop.time()
            self._framing_bytes = 0
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        if self._is_answering:
            self.cycle.keep_alive = False  # answered as HTTP/1.1; the parser reads nothing after it

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn's ASGI types differ from Starlette's
        busy: Any = TOO_MANY_CONNECTIONS
        super()._start_asgi_task(cycle, busy if app is service_unavailable else app)

    # -- deadlines

    @property
    def is_waiting_for_head(self) -> bool:
        """Whether no request is in progress; `waiting_since` says since when, by the loop's clock."""
        return not self._is_answering and (self._stage is not Stage.BODY or self._ignores_client)

    def _expect_head(self) -> None:
        self._stage = Stage.HEAD
        self.waiting_since = self.loop.time()
        self._began = self._clock.seconds
        self._framing_bytes = 0

    def _expect_body(self) -> None:
        self._began = self._clock.seconds
        self._body_bytes = 0
        self._framing_bytes = 0

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _check_deadlines(self) -> None:
        """End the connection if its client is too slow."""
        self._check = self.loop.call_later(self.transfer_rate.check_seconds, self._check_deadlines)
        if self.loop.time() >= self._abort_at:
            self.transport.abort()
        elif self._is_answer_stuck():
            log.info("client_cut", reason="answer_not_taken")
            self.transport.abort()
        elif self._ignores_client or self.transport.is_closing():
            return
        elif self._stage is Stage.HEAD:
            self._check_head()
        elif self._stage is Stage.BODY:
            self._check_body()

    def _check_head(self) -> None:
        if self._is_answering:
            self._began = self._clock.seconds  # the time for the next head starts after this answer
        elif self._clock.seconds - self._began >= self.transfer_rate.head_seconds:
            if self._framing_bytes:
                self._refuse(SLOW_HEAD)
            else:
                self.transport.close()  # it never sent a byte, so there is no request to answer

    def _check_body(self) -> None:
        if self._clock.seconds - self._began < self.transfer_rate.window_seconds:
            return
        if self._body_bytes >= self.transfer_rate.window_bytes:
            self._expect_body()
            return
        self._ignores_client = True
        if self.cycle.response_started:
            log.info("client_cut", reason="body_too_slow")
            self.transport.abort()
            return
        # Wake the request without a message and with a mark in its state: BodyMiddleware then answers with 408.
        self._abort_at = self.loop.time() + _LINGER_SECONDS
        self.cycle.scope["state"][IS_TOO_SLOW] = True
        self.cycle.message_event.set()

    def _is_answer_stuck(self) -> bool:
        """Whether we wait for the client to read, and it took too little in the last window."""
        waiting = self.transport.get_write_buffer_size()
        if waiting == 0 or not (self.flow.write_paused or self.transport.is_closing()):
            self._unread = None
            return False
        waiting += self._bytes_in_kernel()
        since, before = self._unread or (self.loop.time(), waiting)
        if self.loop.time() - since < self.transfer_rate.window_seconds:
            self._unread = (since, before)
            return False
        self._unread = (self.loop.time(), waiting)
        return before - waiting < self.transfer_rate.window_bytes

    def _bytes_in_kernel(self) -> int:
        """Bytes that we wrote and the client has not taken.

        The kernel can hold megabytes, so the transport's own buffer changes seldom.
        """
        count = array.array("i", [0])
        with suppress(OSError):  # not every system can say
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
        return count[0]

    # -- the end of a connection

    def _refuse(self, response: EarlyResponse) -> None:
        """Ignore everything that this client still sends; tell it why, unless another answer has begun."""
        if self._ignores_client or self.transport.is_closing():
            return
        self._ignores_client = True
        if self._stage is Stage.BODY:
            self._refuse_body(response)
        elif self._is_answering:
            self.cycle.keep_alive = False  # the request before was valid; we close after its answer
        else:
            self._send_last(response)

    def _refuse_body(self, response: EarlyResponse) -> None:
        if self.pipeline or self.cycle.response_started:
            self.transport.abort()
            return
        self.cycle.disconnected = True  # the application sees a disconnect
        self.cycle.message_event.set()
        self._send_last(response)

    def _send_last(self, response: EarlyResponse) -> None:
        """Send the last answer and close only our sending side: closing both at once could lose the answer."""
        self._unset_keepalive_if_required()
        self._abort_at = self.loop.time() + _LINGER_SECONDS
        self.flow.resume_reading()
        self.transport.write(response.encoded())
        self.transport.write_eof()

    def _close_gently(self) -> None:
        """Close the connection, but with a delay if the client is in the middle of a body.

        A reset would reach the client while it still sends, before it reads the answer. nginx then answers with 502 in
        a fifth of all cases, whatever our answer was.
        """
        if self._is_answering or not (self._stage is Stage.BODY or self._ignores_client):
            self.transport.close()
            return
        self._ignores_client = True
        self._bytes_to_drop = _DROPPED_BYTES
        self.loop.call_later(_LINGERING_CLOSE_SECONDS, self.transport.close)
        self.transport.write_eof()

    def _make_room(self) -> None:
        """If all slots are taken, close the connection that has waited longest without a request."""
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = (other for other in self.connections if isinstance(other, DeadlineProtocol) and other is not self)
        waiting = (other for other in others if other.is_waiting_for_head)
        longest = min(waiting, key=lambda other: other.waiting_since, default=None)
        if longest is not None:
            self.connections.discard(longest)
            longest.transport.close()


def protocol_with(transfer_rate: TransferRate) -> type[DeadlineProtocol]:
    """The protocol class for uvicorn's option `http`."""
    return type("DeadlineProtocol", (DeadlineProtocol,), {"transfer_rate": transfer_rate})
