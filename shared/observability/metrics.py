"""What processes count and time: each metric with its labels, which have few values and never one of a client's.

`record` passes a measurement to the recorder of this process: to the registry that is served (`registry`), or to a pipe
that leads to it (`pipe`). In a process without a recorder it does nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter, or, with the upper bounds `buckets`, a histogram.

    `known`: label values that are there from the start, as 0: Prometheus sees no growth in a series that begins with 1.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()


Recorder = Callable[[Metric, float, tuple[str, ...]], None]

_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_LOAD_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)

# Codes of uploads that failed for a reason that is not in the file.
_OUR_FAULTS: Final = (("attempts_exhausted",), ("record_counts_mismatch",), ("stored_file_corrupt",))
_SENT_OR_NOT: Final = (("celery", "sent"), ("celery", "failed"), ("background", "sent"), ("background", "failed"))
_LEVELS: Final = (("warning",), ("error",), ("critical",))

ROWS_LOADED: Final = Metric("ingest_rows_loaded", "Rows in committed batches.")
RECORDS_REJECTED: Final = Metric("ingest_records_rejected", "Rejected records in committed batches.")
REJECTS: Final = Metric("ingest_rejects", "Reasons against records in committed batches.", ("code",))
BYTES_LOADED: Final = Metric("ingest_loaded_bytes", "Bytes of committed batches in their stored files.")
BATCH_SECONDS: Final = Metric(
    "ingest_batch_seconds", "Seconds from the claim of a batch to its commit.", buckets=_LOAD_SECONDS
)
BATCH_STEP_SECONDS: Final = Metric(
    "ingest_batch_step_seconds", "Seconds of the steps read, validate and copy of a batch.", ("step",), _LOAD_SECONDS
)
PUBLISH_SECONDS: Final = Metric(
    "ingest_publish_seconds", "Seconds from the claim of a large upload's publishing to its end.", buckets=_LOAD_SECONDS
)
TAKEOVERS: Final = Metric("ingest_takeovers", "Batches taken over from a loader that did not finish them.")
FENCE_REFUSALS: Final = Metric("ingest_fence_refusals", "Commits refused because another loader has the claim.")
UPLOADS_COMPLETED: Final = Metric("ingest_uploads_completed", "Uploads that were published.")
UPLOADS_FAILED: Final = Metric("ingest_uploads_failed", "Uploads that failed.", ("code",), known=_OUR_FAULTS)
INTERRUPTIONS: Final = Metric("ingest_load_interruptions", "Loads that stopped and are tried again later.", ("code",))
NOTIFICATIONS: Final = Metric(
    "ingest_notifications", "Notifications to loaders.", ("transport", "outcome"), known=_SENT_OR_NOT
)
INTAKE_BYTES: Final = Metric(
    "ingest_intake_bytes", "Bytes of files that clients have sent, or that were fetched for them."
)
REQUESTS: Final = Metric("ingest_http_requests", "Answered requests.", ("route", "method", "status"))
REQUEST_SECONDS: Final = Metric(
    "ingest_http_request_seconds", "Seconds from a request's head to the end of its answer.", ("route",),
    _REQUEST_SECONDS,
)  # fmt: skip
LOGGED: Final = Metric("ingest_logged_events", "Lines of the log that are no information.", ("level",), known=_LEVELS)

METRICS: Final = {
    metric.name: metric
    for metric in (
        *(ROWS_LOADED, RECORDS_REJECTED, REJECTS, BYTES_LOADED, BATCH_SECONDS, BATCH_STEP_SECONDS, PUBLISH_SECONDS),
        *(TAKEOVERS, FENCE_REFUSALS, UPLOADS_COMPLETED, UPLOADS_FAILED, INTERRUPTIONS, NOTIFICATIONS),
        *(INTAKE_BYTES, REQUESTS, REQUEST_SECONDS, LOGGED),
    )
}


@dataclass(slots=True)
class _Process:
    recorder: Recorder | None = None


_process = _Process()


def record_with(recorder: Recorder | None) -> None:
    """Let this process record; None ends it."""
    _process.recorder = recorder


def is_recording() -> bool:
    """Whether measurements go anywhere; worth asking before what costs more than a comparison."""
    return _process.recorder is not None


def record(metric: Metric, amount: float = 1, *labels: str) -> None:
    """Add `amount` to a counter, or observe it in a histogram; `labels` are values in the order of `metric.labels`."""
    if _process.recorder is not None:
        _process.recorder(metric, amount, labels)
