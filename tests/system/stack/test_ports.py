"""Servers that start beside each other on one machine."""

import subprocess
import sys

from stack.ports import LOCALHOST, free_port, refusal

_CHOOSES = "from stack.ports import free_port; print(*(free_port() for _ in range(200)), flush=True); input()"


def test_processes_that_live_at_the_same_time_never_choose_the_same_port() -> None:
    choosing = [
        subprocess.Popen([sys.executable, "-c", _CHOOSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _process in range(8)
    ]
    ours = {free_port() for _time in range(200)}  # servers of other tests may have many of this block
    theirs: list[set[int]] = []
    for process in choosing:
        assert process.stdout is not None
        theirs.append({int(port) for port in process.stdout.readline().split()})
    for process in choosing:
        process.communicate("\n")
    assert len(ours) + sum(len(ports) for ports in theirs) == len(ours.union(*theirs))
    assert all(len(ports) > 40 for ports in theirs)  # and one process does not choose the same again soon


def test_a_chosen_port_is_free() -> None:
    assert refusal(LOCALHOST, free_port()) is None
