"""The API's client: the plainest and cheapest one there is, because it shares the machine with what it measures.

Files go out by sendfile, straight from the kernel's cache; JSON comes back on a connection that stays open.
"""

import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

_PREFIX: Final = "/api/v1"
_BOUNDARY: Final = "----bench-7d93b1c4"
_TIMEOUT_SECONDS: Final = 900.0
# A poll costs the server some 3 ms of CPU, so a long load is asked after less often: the error is 2% on average.
_SHORTEST_POLL_SECONDS: Final = 0.01
_LONGEST_POLL_SECONDS: Final = 0.2
_ACTIVE: Final = ("queued", "loading")

Document = dict[str, Any]


@dataclass(frozen=True)
class Segment:
    """Bytes [start, end) of a file."""

    path: Path
    start: int
    end: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start


@dataclass(frozen=True)
class Sent:
    """An upload that was answered with 202; times are of `time.perf_counter`."""

    id: str
    number: int
    begun: float
    answered: float
    tenant: str | None = None

    @property
    def intake_seconds(self) -> float:
        """From the first byte to the 202."""
        return self.answered - self.begun


@dataclass(frozen=True)
class Sample:
    """What the API said of an upload `seconds` after the 202."""

    seconds: float
    document: Document


@dataclass(frozen=True)
class Done:
    """An upload that has completed."""

    sent: Sent
    completed: float
    document: Document

    @property
    def load_seconds(self) -> float:
        """T: from the 202 to the first answer that said `completed`."""
        return self.completed - self.sent.answered

    @property
    def total_seconds(self) -> float:
        """From the first byte sent to the first answer that said `completed`."""
        return self.completed - self.sent.begun


@dataclass(frozen=True)
class Answer:
    """An answer of any status, and how long it took until its last byte."""

    milliseconds: float
    status: int
    content: bytes

    @property
    def document(self) -> Document:
        """Its JSON."""
        document: Document = json.loads(self.content)
        return document


class RequestFailed(Exception):
    """The API answered with something else than was asked for."""


class Client:
    """One connection, for one thread."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port
        self._connection = self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Document:
        """The JSON behind a path below /api/v1."""
        return self._json("GET", _address(path, parameters), 200)

    def post(self, path: str) -> Document:
        """An action."""
        return self._json("POST", _address(path), 200)

    def declare(self, declaration: Document) -> Document:
        """Declare a dataset."""
        body = json.dumps(declaration)
        self._connection.request("POST", _address("/datasets"), body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        _require(answer.status, 201, content.decode(errors="replace")[:500])
        document: Document = json.loads(content)
        return document

    def delete(self, path: str) -> None:
        """Delete what is at a path below /api/v1."""
        self._connection.request("DELETE", _address(path))
        answer = self._connection.getresponse()
        _require(answer.status, 204, answer.read().decode(errors="replace")[:500])

    def milliseconds(self, path: str, parameters: Mapping[str, Any] | None = None) -> float:
        """How long a GET takes, until the last byte of the answer."""
        answer = self.timed(path, parameters)
        _require(answer.status, 200, _address(path, parameters))
        return answer.milliseconds

    def timed(self, path: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """The answer to a GET, whatever its status."""
        begun = time.perf_counter()
        self._connection.request("GET", _address(path, parameters))
        answer = self._connection.getresponse()
        content = answer.read()
        return Answer((time.perf_counter() - begun) * 1000, answer.status, content)

    def send(
        self,
        segments: Sequence[Segment],
        filename: str,
        *,
        use_celery: bool,
        is_form: bool = False,
        before: bytes = b"",
        dataset: str | None = None,
        tenant: str | None = None,
        mode: str | None = None,
        plan: bool = False,
    ) -> Sent:
        """Upload the segments as one file, on a connection of its own; `before` goes ahead of them."""
        head, tail = (_form_head(filename), f"\r\n--{_BOUNDARY}--\r\n".encode()) if is_form else (b"", b"")
        content_type = f"multipart/form-data; boundary={_BOUNDARY}" if is_form else "text/csv"
        size = len(head) + len(before) + sum(segment.size for segment in segments) + len(tail)
        parameters = {
            "use_celery": _word(use_celery),
            "filename": filename,
            "force": "true",
            "dataset": dataset,
            "tenant": tenant,
            "mode": mode,
            "plan": _word(plan),
        }
        connection = self._connect()
        connection.connect()
        begun = time.perf_counter()
        connection.putrequest("POST", _address("/upload", parameters))
        connection.putheader("Content-Type", content_type)
        connection.putheader("Content-Length", str(size))
        connection.endheaders(head + before or None)
        for segment in segments:
            with segment.path.open("rb") as file:
                connection.sock.sendfile(file, segment.start, segment.size)
        if tail:
            connection.send(tail)
        answer = connection.getresponse()
        body = answer.read()
        answered = time.perf_counter()
        connection.close()
        _require(answer.status, 202, body.decode(errors="replace")[:500])
        document = json.loads(body)
        return Sent(document["id"], document["number"], begun, answered, tenant)

    def send_file(self, path: Path, **options: Any) -> Sent:
        """Upload a file as it is, with the options of `send`."""
        return self.send([Segment(path, 0, path.stat().st_size)], path.name, **options)

    def finish(self, sent: Sent, state: str = "completed") -> Done:
        """Ask until the upload is in this state; raises `RequestFailed` if it ends otherwise."""
        *_earlier, last = self.followed(sent)
        if last.document["state"] != state:
            raise RequestFailed(f"upload {sent.id} is {last.document['state']}: {last.document.get('error')}")
        return Done(sent, sent.answered + last.seconds, last.document)

    def followed(self, sent: Sent, longest_poll: float = _LONGEST_POLL_SECONDS) -> Iterator[Sample]:
        """What the API says again and again, `longest_poll` seconds apart at most, until the upload has ended."""
        while True:
            document = self.get(f"/uploads/{sent.id}", {"tenant": sent.tenant})
            seconds = time.perf_counter() - sent.answered
            yield Sample(seconds, document)
            if document["state"] not in _ACTIVE:
                return
            time.sleep(min(max(seconds / 25, _SHORTEST_POLL_SECONDS), longest_poll))

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)

    def _json(self, method: str, address: str, expected: int) -> Document:
        try:
            answer, body = self._asked(method, address)
        except (http.client.RemoteDisconnected, ConnectionError):  # it was idle for longer than the server keeps it
            answer, body = self._asked(method, address)
        _require(answer.status, expected, f"{method} {address}: {body.decode(errors='replace')[:500]}")
        document: Document = json.loads(body)
        return document

    def _asked(self, method: str, address: str) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            self._connection.request(method, address)
            answer = self._connection.getresponse()
            return answer, answer.read()
        except BaseException:
            with suppress(OSError):
                self._connection.close()
            raise


def _address(path: str, parameters: Mapping[str, Any] | None = None) -> str:
    query = urlencode({name: value for name, value in (parameters or {}).items() if value is not None})
    return f"{_PREFIX}{path}?{query}" if query else f"{_PREFIX}{path}"


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def _form_head(filename: str) -> bytes:
    disposition = f'Content-Disposition: form-data; name="file"; filename="{filename}"'
    return f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n".encode()


def _require(status: int, expected: int, words: str) -> None:
    if status != expected:
        raise RequestFailed(f"{status} instead of {expected}: {words}")
