"""The time that the database takes, without that of clients."""

import time

from shared.database.timing.query_times import Stopwatch


def test_it_stands_still_while_it_is_paused() -> None:
    stopwatch = Stopwatch()
    with stopwatch.paused():
        time.sleep(0.5)
    time.sleep(0.01)
    assert 10 <= stopwatch.milliseconds < 400
