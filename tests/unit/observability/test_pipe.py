"""What many processes measure arrives once, also if the reader is busy for a while."""

import json
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from shared.observability import metrics
from shared.observability.metrics import BATCH_SECONDS, METRICS, REJECTS, ROWS_LOADED, TAKEOVERS, Metric, record
from shared.observability.pipe import MetricPipe, PipeWriter
from tests.waiting import eventually

Taken = list[tuple[str, float, tuple[str, ...]]]


def recorder_into(taken: Taken) -> metrics.Recorder:
    def take(metric: Metric, amount: float, labels: tuple[str, ...]) -> None:
        taken.append((metric.name, amount, labels))

    return take


def wait_until_sum(taken: Taken, expected: float) -> None:
    assert eventually(lambda: sum(amount for _, amount, _ in taken) == expected, 10), len(taken)


def write_many(file_descriptor: int, count: int) -> None:
    writer = PipeWriter(file_descriptor)
    for _ in range(count):
        writer.record(REJECTS, 1, ("not_a_number",))
    while writer._waiting:
        time.sleep(0.01)
        writer._send()


def test_lines_of_several_processes_do_not_mix() -> None:
    taken: Taken = []
    pipe = MetricPipe(recorder_into(taken))
    pipe.start()
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        list(pool.map(write_many, [pipe.writing_end] * 3, [2_000] * 3))
    wait_until_sum(taken, 6_000)
    assert set(taken) == {("ingest_rejects", 1, ("not_a_number",))}


def test_a_writer_never_waits_and_sends_later_what_did_not_fit() -> None:
    taken: Taken = []
    pipe = MetricPipe(recorder_into(taken))
    writer = PipeWriter(pipe.writing_end)
    for _ in range(4_000):  # more than a pipe holds, and nobody reads
        writer.record(ROWS_LOADED, 1, ())
    assert writer._waiting
    pipe.start()
    written = 4_000
    while writer._waiting:
        writer.record(ROWS_LOADED, 1, ())
        written += 1
        time.sleep(0.01)
    assert written > 4_000
    wait_until_sum(taken, written)


def test_what_waits_is_bounded() -> None:
    pipe = MetricPipe(recorder_into([]))
    writer = PipeWriter(pipe.writing_end)
    for _ in range(20_000):
        writer.record(ROWS_LOADED, 1, ())
    assert len(writer._waiting) == 5_000


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    PipeWriter(writing_end).record(TAKEOVERS, 1, ())
    os.close(writing_end)


def test_a_line_that_is_too_long_to_be_written_as_a_whole_is_left_out() -> None:
    reading_end, writing_end = os.pipe()
    writer = PipeWriter(writing_end)
    writer.record(REJECTS, 1, ("x" * 600,))
    writer.record(REJECTS, 2, ("short",))
    assert json.loads(os.read(reading_end, 65536)) == ["ingest_rejects", 2, "short"]


def test_without_a_recorder_nothing_is_recorded() -> None:
    taken: Taken = []
    assert not metrics.is_recording()
    record(ROWS_LOADED, 5)
    metrics.record_with(recorder_into(taken))
    record(BATCH_SECONDS, 0.5)
    metrics.record_with(None)
    record(ROWS_LOADED, 5)
    assert taken == [("ingest_batch_seconds", 0.5, ())]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_name_says_its_unit_and_a_help_is_a_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert bool(metric.buckets) == metric.name.endswith("_seconds")
    assert not metric.name.endswith("_total")  # prometheus_client adds it


def test_threads_share_a_writer() -> None:
    taken: Taken = []
    pipe = MetricPipe(recorder_into(taken))
    pipe.start()
    writer = PipeWriter(pipe.writing_end)

    def write() -> None:
        for _ in range(500):
            writer.record(ROWS_LOADED, 1, ())
            time.sleep(0)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while writer._waiting:
        writer._send()
    wait_until_sum(taken, 2_000)
