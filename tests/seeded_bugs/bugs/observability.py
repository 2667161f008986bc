"""Metrics that count twice or not at all, traces that fall apart, and reports that tell too much."""

from typing import Final

from tests.seeded_bugs import Bug

PACKAGE: Final = "shared/observability"
SEEN: Final = "tests/system/observability/test_seen.py::"
SPANS: Final = "tests/unit/observability/test_spans.py::"
PIPE: Final = "tests/unit/observability/test_pipe.py::"
REGISTRY: Final = "tests/unit/observability/test_registry.py::"
REPORTS: Final = "tests/unit/observability/test_error_reports.py::"
CANARY: Final = "tests/system/platform/test_canary.py::"

BUGS: Final = (
    Bug(
        "a-load-is-a-trace-of-its-own",
        "shared/ingest/loading/loader.py",
        "work.trace_id, parent, spans.Kind",
        "str(work.id), parent, spans.Kind",
        (f"{SEEN}test_an_upload_is_one_trace_with_every_batch",),
    ),
    Bug(
        "a-load-names-no-parent",
        "shared/ingest/loading/loader.py",
        "parent = spans.span_of_upload(work.id)",
        "parent = None",
        (f"{SEEN}test_an_upload_is_one_trace_with_every_batch",),
    ),
    Bug(
        "pool-processes-keep-what-they-count",
        f"{PACKAGE}/serving.py",
        "record_with(self._pipe.writer().record)",
        "record_with(self.registry.record)",
        (f"{SEEN}test_the_metrics_count_each_process_once",),
    ),
    Bug(
        "background-loaders-are-not-counted",
        "api/runtime.py",
        "metrics_end = None if metrics is None else metrics.writing_end",
        "metrics_end = None",
        (f"{SEEN}test_the_metrics_count_each_process_once",),
    ),
    Bug(
        "rejects-are-counted-once-a-batch",
        "shared/ingest/loading/measures.py",
        "record(RECORDS_REJECTED, validated.rejected)",
        "record(RECORDS_REJECTED)",
        (f"{SEEN}test_the_metrics_count_each_process_once",),
    ),
    Bug(
        "any-word-is-a-method",
        "api/middleware/tracing.py",
        'return scope["method"] if scope["method"] in _METHODS else "other"',
        'return scope["method"]',
        (f"{SEEN}test_requests_are_counted_by_template",),
    ),
    Bug(
        "a-message-is-sent-without-its-trace",
        "api/notifications/notifiers.py",
        "message.context.run(self._send, message)",
        "self._send(message)",
        (f"{SEEN}test_lines_of_the_log_name_their_span",),
    ),
    Bug(
        "a-caller-of-another-trace-is-the-parent",
        "api/middleware/tracing.py",
        "caller[1] if same and caller is not None else None",
        "caller[1] if caller is not None else None",
        (f"{SEEN}test_a_trace_goes_on_where_the_caller_is",),
    ),
    Bug(
        "traces-are-kept-by-a-part-that-is-not-random",
        f"{PACKAGE}/spans.py",
        "(number & _RANDOM) >= _process.ratio * 2**56",
        "(number & _LOW) >= _process.ratio * 2**64",
        (f"{SPANS}test_a_share_of_all_traces_is_kept_and_by_all_processes_the_same",),
    ),
    Bug(
        "what-the-pipe-has-no-room-for-is-lost",
        f"{PACKAGE}/pipe.py",
        "pass  # full: with the next one",
        "sent = len(self._waiting)",
        (f"{PIPE}test_a_writer_never_waits_and_sends_later_what_did_not_fit",),
    ),
    Bug(
        "a-writer-waits-for-the-reader",
        f"{PACKAGE}/pipe.py",
        "os.set_blocking(file_descriptor, False)",
        "os.set_blocking(file_descriptor, True)",
        (f"{PIPE}test_a_writer_never_waits_and_sends_later_what_did_not_fit",),
    ),
    Bug(
        "a-label-is-whatever-comes",
        f"{PACKAGE}/registry.py",
        " and all(_LABEL.fullmatch(label) for label in labels)",
        "",
        (f"{REGISTRY}test_a_value_that_is_none_of_ours_is_no_label",),
    ),
    Bug(
        "series-without-end",
        f"{PACKAGE}/registry.py",
        "len(self._labels) < _MOST_LABEL_SETS and ",
        "",
        (f"{REGISTRY}test_the_number_of_series_is_bounded",),
    ),
    Bug(
        "a-report-quotes-the-error",
        f"{PACKAGE}/error_reports.py",
        '"value": safe_message(error)',
        '"value": str(error)',
        (f"{REPORTS}test_it_names_types_files_and_functions_and_no_value",),
    ),
    Bug(
        "a-report-has-all-fields-of-the-line",
        f"{PACKAGE}/error_reports.py",
        "for name in _TAGS if name in line",
        "for name in line",
        (f"{REPORTS}test_it_names_types_files_and_functions_and_no_value",),
    ),
    Bug(
        "a-report-with-what-sentry-adds",
        f"{PACKAGE}/error_reports.py",
        "            before_send=_without_what_was_added,\n",
        "",
        (f"{CANARY}test_a_report_says_what_happened_and_where",),
    ),
)
