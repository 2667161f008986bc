"""HTTP by hand: what no client library would send."""

import json
import socket
from dataclasses import dataclass
from typing import Any

from stack.services import Api

SECONDS = 15


@dataclass(frozen=True)
class Answer:
    """What came before the connection ended."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body, which is a problem document."""
        assert self.headers["content-type"] == "application/problem+json", self
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        assert document["trace_id"] == self.headers["x-trace-id"]
        return document

    @property
    def code(self) -> str:
        """Of the problem."""
        return str(self.problem["code"])


def connect(api: Api) -> socket.socket:
    """A connection with a limit to waiting."""
    return socket.create_connection((api.host, api.port), timeout=SECONDS)


def head(request_line: str, *headers: str, host: str = "127.0.0.1") -> bytes:
    """A request line and headers, with their end."""
    return "\r\n".join([f"{request_line} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode("latin-1")


def read_to_end(raw: socket.socket) -> bytes:
    """All until the server closes; b"" also if it resets the connection."""
    answer = b""
    try:
        while block := raw.recv(65536):
            answer += block
    except ConnectionResetError:
        pass
    return answer


def parse(answer: bytes) -> Answer | None:
    """The first answer, None without one; what follows it is part of its body."""
    if not answer:
        return None
    start, _, body = answer.partition(b"\r\n\r\n")
    line, *rest = start.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in rest)}
    return Answer(int(line.split()[1]), headers, body)


def ask(api: Api, *pieces: bytes) -> Answer | None:
    """Send, and read until the server closes."""
    with connect(api) as raw:
        try:
            for piece in pieces:
                raw.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough
        return parse(read_to_end(raw))
