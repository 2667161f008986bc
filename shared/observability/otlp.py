"""Sends spans to a collector by OTLP over HTTP. Imported only where an address for them is set: it takes 0.1 s.

OpenTelemetry's exporter reads its other variables itself: `OTEL_EXPORTER_OTLP_HEADERS` and those for certificates.
"""

import os
import socket
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.observability.spans import Span

_SEND_SECONDS: Final = 3
_DELAY_MILLISECONDS: Final = 2_000
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


class OtlpExporter:
    """Keeps spans that have ended, and sends them every two seconds, in a thread; a full queue drops them."""

    def __init__(self, endpoint: str, service: str) -> None:
        """`endpoint`: the address of the collector, without the path of traces."""
        sender = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_SEND_SECONDS)
        self._processor = BatchSpanProcessor(sender, schedule_delay_millis=_DELAY_MILLISECONDS)
        self._scope = InstrumentationScope("imdb-ingest")
        self._resource = Resource.create(
            {
                "service.namespace": "imdb-ingest",
                "service.name": f"imdb-ingest-{service}",
                "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            }
        )

    def export(self, span: Span) -> None:
        """Take a span that has ended; never waits."""
        self._processor.on_end(
            ReadableSpan(
                span.name,
                _context(span.trace_id, span.span_id),
                None if span.parent_id is None else _context(span.trace_id, span.parent_id),
                self._resource,
                span.attributes,
                kind=SpanKind[span.kind.name],
                status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error),
                start_time=span.started_ns,
                end_time=span.ended_ns,
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Send what is left, once, and end."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED)
