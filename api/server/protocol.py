"""uvicorn's HTTP protocol with deadlines, of which it has none but the one between two requests.

    head      the whole of it within `head_seconds` of its first byte; a new connection has as long for its first byte
    body      at least `bytes_per_second`, looked at in windows; only time in which we read counts
    answer    the same for a client that has let so much of it pile up that we wait, or that we only wait to close

Whoever is too slow with a body gets the application's own 408, as long as no answer has begun. Heads and the framing of
chunks have a size, which uvicorn with httptools does not limit either.
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
from api.server.early_responses import HEAD_TOO_LARGE, MALFORMED, SLOW_HEAD, TOO_MANY_CONNECTIONS, Refusal
from api.server.lingering_close import AnswersTransport
from api.server.transfer_rate import ReadingClock, TransferRate

MOST_HEAD_BYTES: Final = 16 * 1024
MOST_HEADERS: Final = 100
# How long a client that was refused may take to read why.
_LINGER_SECONDS: Final = 5.0
# The same for one that still sends; of that so much is dropped, which shows whether it has ended by itself.
_LINGERING_CLOSE_SECONDS: Final = 1.0
_DROPPED_BYTES: Final = 64 * 1024

log = structlog.get_logger()


class Stage(Enum):
    """Of a connection: what the client owes us."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class DeadlineProtocol(HttpToolsProtocol):
    """One connection. uvicorn makes it, so `pace` is the class's: see `protocol_with`."""

    transfer_rate: ClassVar[TransferRate] = TransferRate()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """A client connected, and owes us a head."""
        super().connection_made(transport)
        self.flow = self._clock = ReadingClock(transport, self.loop.time)
        self._hears_nothing = False
        self._drops_bytes = math.inf
        self._abort_at = math.inf
        self._unread: tuple[float, int] | None = None
        self._expect_head()
        self._make_room()
        self._looking = self.loop.call_later(self.transfer_rate.look_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client; nobody hears them once it was refused."""
        if self._hears_nothing:
            self._drops_bytes -= len(data)
            if self._drops_bytes < 0:
                self.flow.pause_reading()
            return
        if self._stage is Stage.IDLE:
            self._expect_head()
        self._framing_bytes += len(data)
        super().data_received(data)
        if self._stage is not Stage.IDLE and self._framing_bytes > MOST_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE if self._stage is Stage.HEAD else MALFORMED)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's text
        """What came is not HTTP."""
        self._refuse(MALFORMED)

    def resume_writing(self) -> None:
        """The client took so much of the answer that we go on."""
        self._unread = None
        super().resume_writing()

    # -- what the parser finds

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self._stage is Stage.IDLE:
            self._expect_head()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one behind the body (a trailer) is nobody's."""
        if self._stage is Stage.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there: the application begins."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._refuse(HEAD_TOO_LARGE)
        if self._hears_nothing:
            return
        super().on_headers_complete()
        self.cycle.transport = AnswersTransport(self.transport, self._part)
        self._stage = Stage.BODY
        self._expect_body()
        if self.expect_100_continue:
            self.flow.pause_reading()  # until the application asks for the body: only then is the client told to send

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._hears_nothing:
            self._body_bytes += len(body)
            self._framing_bytes = 0
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is all there."""
        if not self._hears_nothing:
            self._stage = Stage.IDLE
            self.owes_since = self.loop.time()
            self._framing_bytes = 0
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        if self._is_answering:
            self.cycle.keep_alive = False  # the request is answered as HTTP/1.1; the parser takes nothing after it

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn's types of ASGI are not Starlette's
        busy: Any = TOO_MANY_CONNECTIONS
        super()._start_asgi_task(cycle, busy if app is service_unavailable else app)

    # -- deadlines

    @property
    def owes_a_head(self) -> bool:
        """Whether it has no request under way; since when, by the loop's clock, is `owes_since`."""
        return not self._is_answering and (self._stage is not Stage.BODY or self._hears_nothing)

    def _expect_head(self) -> None:
        self._stage = Stage.HEAD
        self.owes_since = self.loop.time()
        self._began = self._clock.seconds
        self._framing_bytes = 0

    def _expect_body(self) -> None:
        self._began = self._clock.seconds
        self._body_bytes = 0
        self._framing_bytes = 0

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        """Does the client keep pace?"""
        self._looking = self.loop.call_later(self.transfer_rate.look_seconds, self._look)
        if self.loop.time() >= self._abort_at:
            self.transport.abort()
        elif self._leaves_its_answer():
            log.info("client_cut", reason="answer_not_taken")
            self.transport.abort()
        elif self._hears_nothing or self.transport.is_closing():
            return
        elif self._stage is Stage.HEAD:
            self._look_at_head()
        elif self._stage is Stage.BODY:
            self._look_at_body()

    def _look_at_head(self) -> None:
        if self._is_answering:
            self._began = self._clock.seconds  # the next request has time until this one is answered
        elif self._clock.seconds - self._began >= self.transfer_rate.head_seconds:
            if self._framing_bytes:
                self._refuse(SLOW_HEAD)
            else:
                self.transport.close()  # it never sent a byte: no request, no answer

    def _look_at_body(self) -> None:
        if self._clock.seconds - self._began < self.transfer_rate.window_seconds:
            return
        if self._body_bytes >= self.transfer_rate.window_bytes:
            self._expect_body()
            return
        self._hears_nothing = True
        if self.cycle.response_started:
            log.info("client_cut", reason="body_too_slow")
            self.transport.abort()
            return
        # The request is woken with nothing and a mark: BodyMiddleware ends its body and answers with 408.
        self._abort_at = self.loop.time() + _LINGER_SECONDS
        self.cycle.scope["state"][IS_TOO_SLOW] = True
        self.cycle.message_event.set()

    def _leaves_its_answer(self) -> bool:
        """Whether we wait for the client to read, and it took less than it must in a window."""
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
        """What we wrote and the client has not taken; it can be megabytes, so the transport's part moves seldom."""
        count = array.array("i", [0])
        with suppress(OSError):  # a system that cannot tell
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
        return count[0]

    # -- the end of a connection

    def _refuse(self, refusal: Refusal) -> None:
        """Hear nothing more of this client; say why, unless another answer is on its way."""
        if self._hears_nothing or self.transport.is_closing():
            return
        self._hears_nothing = True
        if self._stage is Stage.BODY:
            self._refuse_body(refusal)
        elif self._is_answering:
            self.cycle.keep_alive = False  # a good request came before: it gets its answer, and then we close
        else:
            self._say(refusal)

    def _refuse_body(self, refusal: Refusal) -> None:
        if self.pipeline or self.cycle.response_started:
            self.transport.abort()
            return
        self.cycle.disconnected = True  # for the application the client is gone
        self.cycle.message_event.set()
        self._say(refusal)

    def _say(self, refusal: Refusal) -> None:
        """The last answer; the connection is half-closed, because closing it at once could lose what is on its way."""
        self._unset_keepalive_if_required()
        self._abort_at = self.loop.time() + _LINGER_SECONDS
        self.flow.resume_reading()
        self.transport.write(refusal.encoded())
        self.transport.write_eof()

    def _part(self) -> None:
        """Close, but not at once if the client is in the midst of a body.

        The reset that it would get comes between its writing and its reading: nginx makes 502 of that in a fifth of all
        cases, whatever the answer was.
        """
        if self._is_answering or not (self._stage is Stage.BODY or self._hears_nothing):
            self.transport.close()
            return
        self._hears_nothing = True
        self._drops_bytes = _DROPPED_BYTES
        self.loop.call_later(_LINGERING_CLOSE_SECONDS, self.transport.close)
        self.transport.write_eof()

    def _make_room(self) -> None:
        """When all places are taken, whoever has owed us a head for longest gives up its own."""
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = (other for other in self.connections if isinstance(other, DeadlineProtocol) and other is not self)
        longest = min(
            (other for other in others if other.owes_a_head), key=lambda other: other.owes_since, default=None
        )
        if longest is not None:
            self.connections.discard(longest)
            longest.transport.close()


def protocol_with(transfer_rate: TransferRate) -> type[DeadlineProtocol]:
    """The protocol class for uvicorn's `http`."""
    return type("DeadlineProtocol", (DeadlineProtocol,), {"pace": transfer_rate})
