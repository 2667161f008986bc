"""The checks of `make fuzz` in short: over the seeds and over mutations of them, always the same ones."""

import time
from itertools import chain

import pytest

from tests.fuzz.mutations import mutated
from tests.fuzz.targets import TARGETS, Target

# Generous: what takes long here takes for ever with a larger input.
MOST_SECONDS = 10


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_checks_hold(target: Target) -> None:
    for data in chain(target.seeds, mutated(target.seeds, target.mutations, seed=1)):
        started = time.process_time()
        try:
            target.check(data)
        except Exception as error:
            error.add_note(f"input: {data!r}")
            raise
        assert time.process_time() - started < MOST_SECONDS, data
