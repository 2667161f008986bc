import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import psutil
import pytest

from stack.process import ManagedProcess, Recipe, StopSignals, processes_in, remember, remembered, rotate
from stack.stack_errors import Interrupted, StackError
from tests.system.stack.processes import alive, family_of, finish, kill_with_guard, read_until, start_python
from tests.waiting import eventually

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); {SLEEPER}"

STARTER = """
import sys, time
from pathlib import Path
from stack.process import ManagedProcess, Recipe
directory = Path(sys.argv[1])
process = ManagedProcess(Recipe("child", [sys.executable, "-c", sys.argv[2]], directory / "log", directory / "pid"))
process.start()
process.wait_until(lambda: (directory / "log").read_text().count("up") >= int(sys.argv[3]), 20)
print(process.pid, flush=True)
time.sleep(600)
"""


def child(directory: Path, code: str, signals: StopSignals = ((signal.SIGTERM, 5.0),)) -> ManagedProcess:
    recipe = Recipe("child", [sys.executable, "-c", code], directory / "log", directory / "pid", stop_signals=signals)
    return ManagedProcess(recipe)


def started(
    directory: Path, code: str, ups: int = 1, signals: StopSignals = ((signal.SIGTERM, 5.0),)
) -> ManagedProcess:
    process = child(directory, code, signals)
    process.start()
    process.wait_until(lambda: process.recipe.log_path.read_text().count("up") >= ups, 20)
    return process


def test_stop_ends_it_and_what_it_started(tmp_path: Path) -> None:
    process = started(tmp_path, PARENT, ups=2)
    family = family_of(process.pid)
    assert len(family) == 2
    process.stop()
    assert not alive(family)
    assert process.exit_code == -signal.SIGTERM
    assert not (tmp_path / "pid").exists()


def test_one_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path, STUBBORN, signals=((signal.SIGTERM, 0.2),))
    process.stop()
    assert process.exit_code == -signal.SIGKILL


def test_kill_and_start_again(tmp_path: Path) -> None:
    process = started(tmp_path, SLEEPER)
    first = process.pid
    process.kill()
    assert process.exit_code == -signal.SIGKILL
    process.start()
    assert process.running
    assert process.pid != first
    process.stop()
    process.stop()


def test_children_of_one_that_crashed_are_ended(tmp_path: Path) -> None:
    process = started(tmp_path, PARENT, ups=2)
    family = family_of(process.pid)
    family[0].kill()
    assert eventually(lambda: not process.running)
    process.reap()
    assert eventually(lambda: not alive(family))


def test_one_that_ends_early_tells_its_last_words(tmp_path: Path) -> None:
    process = child(tmp_path, "raise SystemExit('no luck today')")
    process.start()
    with pytest.raises(StackError, match=r"(?s)ended with code 1.*no luck today"):
        process.wait_until(lambda: False, 20)
    process.stop()


def test_one_that_never_answers(tmp_path: Path) -> None:
    process = child(tmp_path, SLEEPER)
    process.start()
    with pytest.raises(StackError, match="did not answer"):
        process.wait_until(lambda: False, 0.1)
    cancelled = Event()
    cancelled.set()
    with pytest.raises(Interrupted):
        process.wait_until(lambda: False, 20, cancelled)
    process.stop()


def test_nothing_is_left_when_the_starter_is_killed(tmp_path: Path) -> None:
    starter = start_python(STARTER, tmp_path, PARENT, "2")
    family = family_of(int(read_until(starter, "")[0]))
    assert len(family) == 2
    starter.kill()
    finish(starter)
    assert eventually(lambda: not alive(family))


def test_what_a_killed_run_left_is_stopped_by_the_next(tmp_path: Path) -> None:
    starter = start_python(STARTER, tmp_path, PARENT, "2")
    family = family_of(int(read_until(starter, "")[0]))
    kill_with_guard(starter)
    assert len(alive(family)) == 2
    process = started(tmp_path, SLEEPER, ups=3)
    assert not alive(family)
    process.stop()


def test_another_process_with_the_remembered_number_is_left_alone(tmp_path: Path) -> None:
    pid_path = tmp_path / "pid"
    other = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL)
    remember(pid_path, other.pid)
    assert remembered(pid_path) == psutil.Process(other.pid)
    pid_path.write_text(f"{other.pid} {psutil.Process(other.pid).create_time() - 3600}\n")
    assert remembered(pid_path) is None
    process = started(tmp_path, SLEEPER)
    assert other.poll() is None
    process.stop()
    other.kill()
    other.wait()


@pytest.mark.parametrize("text", ["", "12", "x y", "1 2 3"])
def test_a_malformed_note_remembers_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert remembered(tmp_path / "pid") is None


def test_processes_in_a_directory(tmp_path: Path) -> None:
    here = subprocess.Popen(["sleep", "600"], cwd=tmp_path)
    elsewhere = subprocess.Popen(["sleep", "600"], cwd="/")
    assert [process.pid for process in processes_in(tmp_path, "sleep")] == [here.pid]
    for process in (here, elsewhere):
        process.kill()
        process.wait()


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (10 * 1024 * 1024))
    rotate(log)
    assert log.exists()
    log.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "log.1").exists()
