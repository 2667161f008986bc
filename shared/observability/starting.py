"""Starts what a deployment asks for. The packages that do it are imported here, and only then: they take time and room.

sentry_dsn                    error reports, as a part of the log (`shared.logs`)
otel_exporter_otlp_endpoint   the export of spans
metrics_port                  metrics: `ServedMetrics` in the main process of a service
"""

from collections.abc import Callable

import structlog

from shared.observability.spans import export_with
from shared.settings import Settings


def error_reports(settings: Settings, service: str) -> list[structlog.typing.Processor]:
    """The processor that reports errors, if they are to be reported."""
    if not settings.sentry_dsn:
        return []
    from shared.observability.error_reports import ErrorReports

    return [ErrorReports(settings.sentry_dsn, service)]


def start_tracing(settings: Settings, service: str) -> Callable[[], None]:
    """Export the spans of this process, if they are to be exported; returns what ends it and may wait for seconds."""
    if not settings.otel_exporter_otlp_endpoint:
        return _nothing
    from shared.observability.otlp import OtlpExporter

    exporter = OtlpExporter(settings.otel_exporter_otlp_endpoint, service)
    export_with(exporter.export, settings.trace_ratio)

    def stop() -> None:
        export_with(None)
        exporter.close()

    return stop


def _nothing() -> None:
    pass
