"""`make` installs with pip and venv; Ctrl-C ends them, and what they have started, without a word."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.conftest import ROOT

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def interruptible(code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-S", "tools/interruptible.py", sys.executable, "-c", code]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_program_and_its_children(number: signal.Signals) -> None:
    process = interruptible(PARENT)
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    os.killpg(process.pid, number)
    output, _nothing = process.communicate(timeout=20)
    assert (process.returncode, output) == (130, "")
    deadline = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_exit_code_is_the_programs() -> None:
    process = interruptible("print('done'); raise SystemExit(7)")
    assert process.communicate(timeout=20)[0] == "done\n"
    assert process.returncode == 7


def test_make_installs_with_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "PIP := $(INTERRUPTIBLE) $(BIN)/python -m pip" in makefile
    assert "$(INTERRUPTIBLE) $(PYTHON) -m venv --clear .venv" in makefile
