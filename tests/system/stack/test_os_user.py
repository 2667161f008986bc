"""Who PostgreSQL runs as. The cases for root need root; the others run as whoever runs the suite."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.binaries import postgres_bin_dir
from stack.os_user import NOBODY, OsUser, namespaces_permitted, os_user_for
from stack.postgres import PostgresServer
from stack.stack_errors import StackError
from tests.system.stack.processes import ROOT

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")
NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
PROGRAM = postgres_bin_dir() / "postgres"


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that `nobody` can reach, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="imdb-ingest-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@NOT_ROOT
def test_a_user_runs_it_himself(tmp_path: Path) -> None:
    assert os_user_for(tmp_path, PROGRAM) == OsUser()


@NOT_ROOT
def test_somebody_elses_directory_is_said() -> None:
    with pytest.raises(StackError, match="belongs to root"):
        os_user_for(Path("/"), PROGRAM)


@ROOT_ONLY
@pytest.mark.skipif(not namespaces_permitted(), reason="no user namespaces here")
def test_in_a_namespace_the_files_stay_with_root(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server:
        assert psutil.Process(server.pid).uids().real == 0
        assert {path.stat().st_uid for path in (tmp_path, *tmp_path.rglob("*"))} == {0}


@ROOT_ONLY
def test_the_owner_of_the_directory_runs_it(open_directory: Path) -> None:
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip("needs a PostgreSQL that everybody can run")
    directory = open_directory / "postgres"
    directory.mkdir(mode=0o700)
    os.chown(directory, NOBODY, -1)
    with PostgresServer(directory, bin_dir=DEBIAN_15) as server:
        assert psutil.Process(server.pid).uids().real == NOBODY
        server.stop(immediate=True)
        server.start()


@ROOT_ONLY
def test_an_owner_who_cannot_reach_the_directory_is_said(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, -1)
    tmp_path.parent.chmod(0o700)
    with pytest.raises(StackError, match="cannot reach"):
        os_user_for(tmp_path, PROGRAM)


@ROOT_ONLY
def test_an_owner_who_cannot_run_the_program_is_said(open_directory: Path) -> None:
    os.chown(open_directory, NOBODY, -1)
    private = open_directory / "private"
    private.mkdir(mode=0o700)
    shutil.copy("/bin/true", private / "postgres")
    with pytest.raises(StackError, match="cannot run"):
        os_user_for(open_directory, private / "postgres")


@ROOT_ONLY
def test_the_same_as_an_ordinary_user(open_directory: Path) -> None:
    """As `nobody`, if that user can reach this interpreter and this directory."""
    os.chown(open_directory, NOBODY, -1)
    code = "import sys; from pathlib import Path; from stack.postgres import PostgresServer\n"
    code += "with PostgresServer(Path(sys.argv[1])) as server: print(server.url)"
    as_nobody = OsUser(uid=NOBODY)
    try:
        reachable = as_nobody.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import stack.postgres"]
        )
    except PermissionError:
        pytest.skip("nobody cannot run this interpreter")
    if reachable.returncode != 0:
        pytest.skip("nobody cannot read this directory")
    result = subprocess.run(
        [sys.executable, "-c", code, open_directory / "postgres"],
        user=NOBODY,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.stdout.startswith("postgresql://imdb:"), result.stderr
