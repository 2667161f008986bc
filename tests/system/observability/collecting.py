"""A server that keeps what is sent to it: spans (OTLP over HTTP), and reports for Sentry."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from stack.ports import LOCALHOST, free_port

DSN_KEY = "0123456789abcdef0123456789abcdef"


class Collector:
    """One HTTP server; `bodies` are what was posted, unpacked, with their paths and headers."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str, bytes]] = []
        bodies = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                bodies.append((self.path, str(self.headers), plain))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOCALHOST, free_port()), Handler)
        self.address = f"{LOCALHOST}:{self._server.server_address[1]}"

    @property
    def settings(self) -> dict[str, str]:
        """What makes a process send everything here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.address}",
            "SENTRY_DSN": f"http://{DSN_KEY}@{self.address}/1",
        }

    @contextmanager
    def running(self) -> Iterator["Collector"]:
        """Receive while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def spans(self) -> "list[Exported]":
        """All spans so far."""
        found = []
        for path, _, body in list(self.posted):
            if path == "/v1/traces":
                for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
                    service = {each.key: each.value.string_value for each in of_process.resource.attributes}
                    for scope in of_process.scope_spans:
                        found += [Exported.of(span, service["service.name"]) for span in scope.spans]
        return found

    def reports(self) -> list[dict[str, Any]]:
        """All events for Sentry so far."""
        events = []
        for path, _, body in list(self.posted):
            if path == "/api/1/envelope/":
                _, *parts = body.split(b"\n")
                events += [
                    json.loads(payload)
                    for head, payload in zip(parts[::2], parts[1::2], strict=False)
                    if json.loads(head)["type"] == "event"
                ]
        return events


@dataclass(frozen=True)
class Exported:
    """A span as it arrived."""

    name: str
    service: str
    trace_id: str
    span_id: str
    parent_id: str
    seconds: float
    attributes: dict[str, Any]
    status: int

    @classmethod
    def of(cls, span: Any, service: str) -> "Exported":
        attributes = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
        seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        return cls(span.name, service, *ids, seconds, attributes, span.status.code)


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(port: int) -> Samples:
    """What a port says: (name of the sample, labels) -> value."""
    text = httpx.get(f"http://{LOCALHOST}:{port}/metrics", timeout=10, trust_env=False).raise_for_status().text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value_of(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels; 0 if there are none."""
    wanted = set(labels.items())
    return sum(value for (each, has), value in samples.items() if each == name and wanted <= set(has))
