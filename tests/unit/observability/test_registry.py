"""What is told on the port, and that no mistake makes it endless."""

import socket

import httpx
import pytest
from prometheus_client import generate_latest

from shared.observability.metrics import BATCH_SECONDS, LOGGED, REJECTS, REQUESTS, ROWS_LOADED, UPLOADS_FAILED
from shared.observability.registry import MetricRegistry
from stack.ports import LOCALHOST, free_port


def text_of(registry: MetricRegistry) -> str:
    return generate_latest(registry.prometheus).decode()


def test_counters_and_histograms_add_up() -> None:
    registry = MetricRegistry()
    registry.record(ROWS_LOADED, 3, ())
    registry.record(ROWS_LOADED, 4, ())
    registry.record(REJECTS, 2, ("not_a_number",))
    registry.record(BATCH_SECONDS, 0.3, ())
    text = text_of(registry)
    assert "ingest_rows_loaded_total 7.0" in text
    assert 'ingest_rejects_total{code="not_a_number"} 2.0' in text
    assert 'ingest_batch_seconds_bucket{le="0.25"} 0.0' in text
    assert 'ingest_batch_seconds_bucket{le="0.5"} 1.0' in text


def test_what_an_alert_watches_begins_with_0() -> None:
    text = text_of(MetricRegistry())
    for code, *_ in UPLOADS_FAILED.known:
        assert f'ingest_uploads_failed_total{{code="{code}"}} 0.0' in text
    assert len(LOGGED.known) == text.count("ingest_logged_events_total{")


@pytest.mark.parametrize("value", ['a"b', "two words", "x" * 200, "", "käse", "a\nb"])
def test_a_value_that_is_none_of_ours_is_no_label(value: str) -> None:
    registry = MetricRegistry()
    registry.record(REJECTS, 1, (value,))
    assert 'ingest_rejects_total{code="other"} 1.0' in text_of(registry)


def test_the_number_of_series_is_bounded() -> None:
    registry = MetricRegistry()
    for number in range(5_000):
        registry.record(REQUESTS, 1, ("/api/v1/movies", "GET", str(number)))
    text = text_of(registry)
    assert text.count("ingest_http_requests_total{") == 2_001
    assert 'ingest_http_requests_total{method="other",route="other",status="other"} 3000.0' in text


def test_the_port_answers_until_it_is_stopped() -> None:
    registry, port = MetricRegistry(), free_port()
    registry.serve(LOCALHOST, range(port, port + 1))
    address = f"http://{LOCALHOST}:{port}/metrics"
    assert "ingest_rows_loaded_total" in httpx.get(address, trust_env=False).text
    registry.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


def test_a_port_that_is_taken_is_no_reason_to_end() -> None:
    with socket.socket() as other:
        other.bind((LOCALHOST, 0))
        other.listen()
        registry = MetricRegistry()
        taken = other.getsockname()[1]
        registry.serve(LOCALHOST, range(taken, taken + 1))
        registry.stop()
