"""`imdb-ingest up` as people run it: a program of its own, watched from outside."""

import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from stack.process import remembered
from stack.stack_errors import StackError
from tests.system.stack.processes import alive, family_of, finish, read_until, start_python
from tests.waiting import eventually

# several starts of the whole stack, on two cores
pytestmark = pytest.mark.timeout(300)

UP = """
import sys
from pathlib import Path
from stack.supervisor import run
sys.exit(run(int(sys.argv[1]), Path(sys.argv[2]), flower_port=int(sys.argv[3]), scheduler=True))
"""

COMMAND = "import sys; from stack.command import main; sys.exit(main(sys.argv[1:]))"


class Up:
    """One run; `lines` are those up to the one that says ready."""

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.flower_port = free_port()
        self.process = start_python(UP, str(self.port), data_dir, str(self.flower_port))
        self.lines = read_until(self.process, "ready")
        self.family = family_of(self.process.pid) if self.process.poll() is None else []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def child(self, name: str) -> psutil.Process | None:
        folder = "run" if name in {"api", "worker", "beat", "flower"} else name
        return remembered(self.data_dir / folder / f"{name}.pid")

    def has_another(self, name: str, pid: int) -> bool:
        child = self.child(name)
        return child is not None and child.pid != pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.family = family_of(self.process.pid)
        self.process.send_signal(number)
        return finish(self.process, 90)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One run for all tests that leave it as it was."""
    running = Up(tmp_path_factory.mktemp("up") / "data")
    yield running
    assert running.end()[0] == 0


def test_every_service_is_told_and_no_password(up: Up) -> None:
    names = [line.split()[0] for line in up.lines]
    assert names == ["postgres", "valkey", "migrate", "worker", "beat", "flower", "api", "ready"]
    assert up.lines[-1] == f"ready {up.url}"
    assert healthy(up.url)
    passwords = [path.read_text().strip() for path in up.data_dir.rglob("*password")]
    assert len(passwords) == 3
    for password in passwords:
        assert not any(password in line for line in up.lines)
        assert not any(password in " ".join(process.cmdline()) for process in alive(up.family))


def test_flower_asks_for_its_password(up: Up) -> None:
    page = f"http://127.0.0.1:{up.flower_port}"
    password = (up.data_dir / "flower.password").read_text().strip()
    assert httpx.get(page).status_code == 401
    assert httpx.get(page, auth=("flower", password), follow_redirects=True).status_code == 200


def test_a_second_start_on_the_same_directory_is_refused(up: Up) -> None:
    second = Up(up.data_dir)
    assert finish(second.process)[0] == 1
    assert second.lines == [f"{up.data_dir} is in use by another running stack"]
    assert healthy(up.url)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    other = Up(tmp_path / "file" / "data")
    assert finish(other.process)[0] == 1
    assert other.lines == [f"{tmp_path}/file/data cannot be the data directory: Not a directory"]


def test_a_taken_port_is_said_before_anything_starts(up: Up, tmp_path: Path) -> None:
    second = Up(tmp_path / "other", port=up.port)
    assert finish(second.process)[0] == 1
    assert second.lines == [
        f"port {up.port} for the API cannot be used on 127.0.0.1: Address already in use; choose another with --port"
    ]


def test_a_chosen_port_of_flower_that_is_taken_is_said_with_what_helps(up: Up, tmp_path: Path) -> None:
    process = start_python(UP, str(free_port()), tmp_path, str(up.flower_port))
    code, output = finish(process)
    assert code == 1
    assert output.endswith("Address already in use; choose another with --flower-port, or --no-flower\n")
    assert not (tmp_path / "postgres").exists()


def test_given_servers_replace_our_own(up: Up, tmp_path: Path) -> None:
    urls = {
        "DATABASE_URL": with_password(up.lines[0], "imdb@", up.data_dir / "postgres" / "password"),
        "REDIS_URL": with_password(up.lines[1], "//", up.data_dir / "valkey" / "password"),
    }
    second = start_python(UP, str(free_port()), tmp_path / "second", str(free_port()), **urls)
    lines = read_until(second, "ready")
    assert lines[-1].startswith("ready"), lines
    assert ":***@" in lines[0]
    assert not (tmp_path / "second" / "postgres").exists()
    assert not (tmp_path / "second" / "valkey").exists()
    second.send_signal(signal.SIGTERM)
    assert finish(second, 90)[0] == 0


def test_a_given_broker_that_does_not_answer_is_said(tmp_path: Path) -> None:
    port = free_port()
    process = start_python(
        UP, str(free_port()), tmp_path, str(free_port()), REDIS_URL=f"redis://:secret@{LOCALHOST}:{port}"
    )
    code, output = finish(process)
    assert code == 1
    assert f"no broker answers at REDIS_URL: Error 111 connecting to {LOCALHOST}:{port}" in output
    assert "secret" not in output


def test_children_that_die_are_started_again(up: Up) -> None:
    for name in ("worker", "beat", "api", "valkey", "postgres"):
        child = up.child(name)
        assert child is not None
        child.kill()
        assert eventually(partial(up.has_another, name, child.pid)), name
    assert eventually(lambda: healthy(up.url), 60)


def test_nothing_is_left_when_it_is_killed_and_the_next_start_works(tmp_path: Path) -> None:
    first = Up(tmp_path)
    first.process.kill()
    finish(first.process)
    assert eventually(lambda: not alive(first.family), 60)
    again = Up(tmp_path, port=first.port)
    assert again.lines[-1] == f"ready {first.url}"
    code, output = again.end(signal.SIGINT)
    assert code == 0
    assert output.splitlines()[-1].split() == ["stopped", "all"]
    assert not alive(again.family)


def test_an_interrupted_start_leaves_nothing(tmp_path: Path) -> None:
    process = start_python(UP, str(free_port()), tmp_path, str(free_port()))
    read_until(process, "valkey")
    family = family_of(process.pid)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process, 90)
    assert code == 0
    assert "stopped" in output
    assert not alive(family)


def test_several_of_a_kind_and_one_killed(tmp_path: Path) -> None:
    with LocalStack(tmp_path, apis=2, workers=2) as stack:
        assert all(healthy(api.url) for api in stack.apis)
        assert len({api.url for api in stack.apis}) == 2
        second = stack.workers[1]
        family = family_of(second.pid)
        second.kill()
        assert not alive(family)
        assert stack.worker.answers()
        second.start()
        second.wait_ready()
        stack.postgres.stop(immediate=True)
        assert not healthy(stack.api_url)
        stack.postgres.start()
        assert eventually(lambda: healthy(stack.api_url))
        everything = family_of(stack.postgres.pid) + family_of(stack.worker.pid) + family_of(stack.api.pid)
    assert not alive(everything)


def test_a_start_that_fails_stops_what_had_started(tmp_path: Path) -> None:
    (tmp_path / "valkey").write_text("in the way")
    with pytest.raises((StackError, FileExistsError)):
        LocalStack(tmp_path).start()
    assert remembered(tmp_path / "postgres" / "postgres.pid") is None


def test_a_program_runs_beside_a_stack_of_its_own() -> None:
    program = (
        "import os, sys, httpx; sys.exit(httpx.get(os.environ['INGEST_API_URL'] + '/api/v1/healthz').status_code - 193)"
    )
    process = start_python(COMMAND, "--", sys.executable, "-c", program)
    assert finish(process, 120)[0] == 7


def test_a_program_is_needed() -> None:
    assert finish(start_python(COMMAND, "--")) == (2, "usage: python -m stack.command -- PROGRAM ARGUMENT...\n")


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/healthz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def with_password(line: str, before: str, password_path: Path) -> str:
    """The address in a line of `up`, with the password that the line does not show."""
    password = password_path.read_text().strip()
    user = before.removesuffix("@").removesuffix("//")
    return line.split()[1].replace(before, f"{user}:{password}@" if user else f"//:{password}@")
