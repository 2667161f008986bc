"""A server of files for the tests: it answers as it is told, well or badly, and remembers what it was asked."""

import datetime as dt
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[["Handler"], None]


def certificate(name: str, directory: Path) -> Path:
    """A file with a key and a certificate for this host, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / f"{name}.pem"
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, form, serialization.NoEncryption())
    path.write_bytes(private + signed.public_bytes(encoding))
    return path


class Handler(BaseHTTPRequestHandler):
    """Answers by the function that the server has for the path."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        """Answer as the server was told."""
        self.server.asked.append((self.path, dict(self.headers)))
        self.close_connection = True
        self.server.answers[self.path.partition("?")[0]](self)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(body))} | named).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """With what it was asked and how it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def handle_error(self, *_: Any) -> None:
        """Clients that go away, or do not like the certificate, are part of the tests."""


class FileServer:
    """The server, running."""

    def __init__(self, pem: Path | None) -> None:
        self._server = Server()
        self._scheme = "http" if pem is None else "https"
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def settings(self) -> dict[str, str]:
        """Variables of a platform that may ask it, and nobody else."""
        return {
            "INGEST_PULL_HOSTS": "localhost",
            "INGEST_PULL_NETWORKS": "127.0.0.0/8,::1",
            "INGEST_PULL_PLAIN_HTTP": "true",
            "INGEST_PULL_PORTS": str(self.port),
        }

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Path and headers of each request."""
        return self._server.asked

    def address(self, path: str, host: str = "localhost") -> str:
        """The address of a path."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def answer(self, path: str, answer: Answer) -> str:
        """From now on the path is answered so; returns its address."""
        self._server.answers[path] = answer
        return self.address(path)

    def file(self, path: str, body: bytes, **headers: str) -> str:
        """The path has this file, with the tag of `headers`, if that has one; returns its address."""

        def give(handler: Handler) -> None:
            etag = headers.get("ETag")
            is_same = etag is not None and handler.headers.get("If-None-Match") == etag
            if is_same:
                handler.send(304, ETag=str(etag))
            else:
                handler.send(200, body, **headers)

        return self.answer(path, give)

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        """The path leads to there; returns its address."""
        return self.answer(path, lambda handler: handler.send(status, Location=location))
