"""A proxy of HTTP between a storage and its server, which does to requests and answers what a network does."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# How long a stalled answer takes; longer than any test has patience.
_STALLED_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Request:
    """What the storage asked."""

    method: str
    path: str

    @property
    def is_read(self) -> bool:
        """Whether it asks for the content of an object."""
        return self.method == "GET" and not self.is_list

    @property
    def is_list(self) -> bool:
        """Whether it asks for names."""
        return "list-type=" in self.path or "comp=list" in self.path


@dataclass
class Fault:
    """What happens to the requests that `concerns` chooses, `times` times; then the network is well again."""

    concerns: Callable[[Request], bool] = lambda _: True
    times: int = 1_000_000
    stalls: bool = False
    cuts: bool = False
    status: int = 0
    body: bytes = b"SlowDown"
    changes: Callable[[bytes], bytes] | None = None
    happened: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def takes(self, request: Request) -> bool:
        """Whether it happens to this one."""
        with self._lock:
            if self.happened >= self.times or not self.concerns(request):
                return False
            self.happened += 1
            return True


class Proxy:
    """Passes everything on, but for its faults."""

    def __init__(self, server: str) -> None:
        self.server = urlsplit(server).netloc
        self.faults: list[Fault] = []
        self.seen: list[Request] = []
        self.ended = threading.Event()

    def fault_of(self, request: Request) -> Fault | None:
        """The first fault that happens to the request."""
        self.seen.append(request)
        return next((fault for fault in self.faults if fault.takes(request)), None)


@contextmanager
def proxy_before(server: str) -> Iterator[tuple[Proxy, str]]:
    """A running proxy and its address."""
    proxy = Proxy(server)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield proxy, f"http://127.0.0.1:{listening.server_port}"
        finally:
            proxy.ended.set()
            listening.shutdown()


def one_byte(body: bytes) -> bytes:
    """The body with the byte in its middle changed."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def two_hours_earlier(body: bytes) -> bytes:
    """A list of objects that were all written two hours before."""

    def earlier(found: re.Match[bytes]) -> bytes:
        hour = int(found[2])
        day = int(found[1][-2:])
        before = (day, hour - 2) if hour >= 2 else (day - 1, hour + 22)
        return b"%s%02d%s%02d" % (found[1][:-2], before[0], b"T", before[1])

    return re.sub(rb"(<LastModified>\d{4}-\d\d-\d\d)T(\d\d)", earlier, body)


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path)
        fault = self.proxy.fault_of(request)
        if fault is not None and fault.stalls:
            self.proxy.ended.wait(_STALLED_SECONDS)
            self.close_connection = True
            return
        if fault is not None and fault.status:
            self._send(Answer(fault.status, [], b"<Error><Code>" + fault.body + b"</Code></Error>"))
            return
        answer = self._ask(body)
        if fault is not None and fault.changes is not None:
            answer = Answer(answer.status, answer.headers, fault.changes(answer.body))
        self._send(answer, is_cut=fault is not None and fault.cuts)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815  names of the standard library

    def _ask(self, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self.proxy.server, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def _send(self, answer: Answer, *, is_cut: bool = False) -> None:
        self.send_response_only(answer.status)
        length = str(len(answer.body))
        for name, value in answer.headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if is_cut else answer.body)
        self.close_connection = self.close_connection or is_cut

    def log_message(self, *_: Any) -> None:
        """Nothing."""
