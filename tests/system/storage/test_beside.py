"""A storage in a process beside one that forks, as the parent of Celery's pool does."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from shared.errors import Unavailable
from shared.settings import Settings
from shared.storage.beside import StorageBeside
from tests.conftest import ROOT, environment
from tests.system.storage.servers import ObjectServer

FORKING = """
import os, signal, sys
from shared.settings import Settings
from shared.storage.opening import open_storage, open_storage_in_forking_process

if __name__ == "__main__":
    settings = Settings()
    parent = open_storage_in_forking_process(settings)
    key = parent.new_key()
    writer = parent.create(key)
    writer.write(b"film")
    writer.commit()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs ends, too
        os._exit(0 if open_storage(settings).read(key, 0, 4) == b"film" else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def forking(s3: ObjectServer, tmp_path: Path) -> dict[str, str]:
    """Environment of a process that runs `FORKING`."""
    (tmp_path / "forking.py").write_text(FORKING)
    ours = {"DATABASE_URL": "postgresql://unused.invalid/", "INGEST_STORAGE_URL": s3.url, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **ours, **s3.environment}


def test_a_child_that_was_forked_after_the_first_request_reads(forking: dict[str, str], tmp_path: Path) -> None:
    program = [sys.executable, "forking.py"]
    output = subprocess.check_output(program, env=forking, cwd=tmp_path, input=b"", timeout=60)
    assert output == b"0\n"


def test_a_killed_parent_leaves_no_process_behind(forking: dict[str, str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "forking.py"], env=forking, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"0\n"
        beside = psutil.Process(parent.pid).children(recursive=True)
        assert beside
        parent.kill()
    _, alive = psutil.wait_procs(beside, timeout=10)
    assert alive == []


def test_a_process_that_has_ended_is_unavailable_once(s3: ObjectServer) -> None:
    with environment(**s3.environment):
        storage = StorageBeside(Settings(database_url="postgresql://unused.invalid/", storage_url=s3.url))
        before = set(psutil.Process().children())
        key = storage.new_key()
        writer = storage.create(key)
        [process] = [
            each for each in set(psutil.Process().children()) - before if "resource_tracker" not in each.cmdline()[-1]
        ]
        process.kill()
        process.wait(timeout=10)
        with pytest.raises(Unavailable):
            writer.write(b"film")
        with pytest.raises(Unavailable):
            storage.read(key, 0, 1)
        assert storage.new_key() != key
