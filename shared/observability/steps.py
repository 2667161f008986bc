"""A step of a batch, as a span and as a measurement."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.observability.metrics import BATCH_STEP_SECONDS, record
from shared.observability.spans import span


@contextmanager
def batch_step(name: str) -> Iterator[None]:
    """The block is the step `name` of a batch; one that raises is no measurement."""
    started = time.perf_counter()
    with span(name):
        yield
    record(BATCH_STEP_SECONDS, time.perf_counter() - started, name)
