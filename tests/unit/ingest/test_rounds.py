"""Rounds: what fails in one does not keep the next one from being tried."""

from threading import Event

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError
from structlog.testing import capture_logs

from shared.errors import LostLease, Unavailable
from shared.ingest.rounds import Rounds
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (LostLease("another process has it"), "fence_refused"),
        (OperationalError("SELECT 1", {}, Exception()), "merging_failed"),
        (ConnectionResetError(), "merging_failed"),
        (ProgrammingError("SELECT 1", {}, Exception()), "merging_failed"),
        (Unavailable("in use"), "merging_failed"),
        (KeyError("nobody expects it"), "merging_crashed"),
    ],
)
def test_the_next_round_goes_on_after_an_error(error: Exception, event: str) -> None:
    rounds, stopping, closed = list[int](), Event(), Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise error

    repeated = Rounds("merging", 0.001, work, stopping=stopping, close=closed.set)
    with capture_logs() as logs:
        repeated.start()
        assert eventually(lambda: len(rounds) > 2)
        assert not closed.is_set()
        repeated.stop()
    assert stopping.is_set()
    assert closed.is_set()
    assert [entry["event"] for entry in logs] == [event]
    assert "nobody expects it" not in str(logs)  # an error may name the values of rows
    last = len(rounds)
    assert not eventually(lambda: len(rounds) > last, 0.1)


def test_without_threads_nothing_is_done() -> None:
    called, closed = Event(), Event()
    repeated = Rounds("pulls", 0.001, called.set, stopping=Event(), close=closed.set, threads=0)
    repeated.start()
    assert not called.wait(0.05)
    repeated.stop()
    assert closed.is_set()
