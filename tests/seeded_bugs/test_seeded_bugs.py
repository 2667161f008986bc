"""The seeded bugs fit the code that they break, and the runner tells a bug that is caught from one that is not."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.seeded_bugs import Bug
from tests.seeded_bugs.__main__ import ROOT, seed_all
from tests.seeded_bugs.bugs import BUGS
from tests.seeded_bugs.requirements import ALL, chosen, requirements
from tests.seeded_bugs.trials import Trials, copy_project

SPLIT = "shared/csv/split.py"
TILES = ("tests/unit/csv/test_split.py::test_spans_tile_any_content",)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_fits_its_file(bug: Bug) -> None:
    seeded = bug.seed((ROOT / bug.path).read_text(encoding="utf-8"))
    if bug.path.endswith(".py"):
        compile(seeded, bug.path, "exec")


@pytest.mark.parametrize("test", sorted({test for bug in BUGS for test in bug.tests}))
def test_a_named_test_is_there(test: str) -> None:
    path, _, function = test.partition("::")
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^def {function.partition('[')[0]}\(", source, re.MULTILINE)


def test_each_bug_has_its_own_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert not {bug.name for bug in BUGS} & {ALL, *requirements()}


def test_bugs_are_chosen_by_name_and_by_requirement() -> None:
    name = next(bug.name for bug in BUGS if bug.tests == TILES)
    assert [bug.name for bug in chosen([name], BUGS)] == [name]
    of_answers = {bug.path for bug in chosen(["S19"], BUGS)}
    assert {"api/middleware/security_headers.py", "api/description/problems.py"} <= of_answers
    assert {bug.name for bug in chosen([ALL], BUGS)} >= {bug.name for bug in chosen(["S19", "S21"], BUGS)}
    with pytest.raises(ValueError, match="no bug S99, no-such-bug"):
        chosen(["S19", "no-such-bug", "S99"], BUGS)


# -- the runner, with a project that is small enough to be tested in no time ----------------------------------------

HALF = "shared/half.py"
HALVES = ("tests/test_half.py::test_half",)
FILES = {
    "pyproject.toml": '[tool.pytest.ini_options]\nmarkers = ["alone"]\n',
    "shared/__init__.py": "",
    HALF: "def half(number):\n    return number // 2\n\n\ndef unused():\n    return 0\n",
    "tests/test_half.py": "from shared.half import half\n\n\ndef test_half():\n    assert half(10) == 5\n",
    "tests/test_alone.py": "import pytest\nfrom shared.half import half\n\n\n@pytest.mark.alone\n"
    "def test_alone():\n    assert half(10) == 5\n",
}
WRONG = Bug("wrong", HALF, "number // 2", "number // 3", HALVES)
WRONG_TOO = Bug("wrong-too", HALF, "number // 2", "number - 2", HALVES)
HARMLESS = Bug("harmless", HALF, "return 0", "return 1", HALVES)
BROKEN = Bug("broken", HALF, "return number", "return nothing", HALVES)
# It leaves a file, so that a test can see that it has come to where it hangs.
HANGS = Bug(
    "hangs",
    HALF,
    "    return number // 2",
    "    import time\n    open('hangs', 'w').close()\n    while True:\n        time.sleep(1)",
    HALVES,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def test_the_runner_tells_what_is_caught_from_what_is_not(project: Path) -> None:
    absent = Bug("absent", HALF, "number // 4", "number", HALVES)
    lines: list[str] = []
    assert seed_all([WRONG, HARMLESS, BROKEN, absent], lines.append, root=project) == 1
    head, passed, *outcomes, last = lines
    assert head == "4 bugs; first their 1 tests without any"
    assert passed.startswith("passed in")
    assert [line.split()[:2] for line in outcomes] == [
        ["caught", "wrong"],
        ["SURVIVED", "harmless"],
        ["invalid", "broken"],
        ["invalid", "absent"],
    ]
    assert "test_half: assert 3 == 5" in outcomes[0]
    assert "'nothing' is not defined" in outcomes[2]
    assert last.startswith("1 of 4 caught in")


def test_all_is_well_when_all_is_caught(project: Path) -> None:
    assert seed_all([WRONG, WRONG_TOO], list[str]().append, root=project) == 0


def test_what_hangs_is_not_caught(project: Path) -> None:
    assert Trials(project).seed(HANGS, seconds=2).verdict == "timed out"


def test_tests_that_fail_without_any_bug_are_no_measure(project: Path) -> None:
    (project / HALF).write_text("def half(number):\n    return number // 4\n")
    lines: list[str] = []
    assert seed_all([WRONG], lines.append, root=project) == 2
    assert lines[-1].startswith("not tried: the tests do not pass without any bug\n  test_half: assert 2 == 5")


def test_so_many_bugs_are_tried_at_a_time_and_those_that_measure_time_alone(project: Path, tmp_path: Path) -> None:
    """Each bug notes when its test began and ended."""

    def noting(name: str, test: str) -> Bug:
        note = f"    open({str(tmp_path / 'times')!r}, 'a').write(f'{{time.monotonic()}} {name}\\n')\n"
        slow = f"    import time\n{note}    time.sleep(1)\n{note}    return number // 3"
        return Bug(name, HALF, "    return number // 2", slow, (test,))

    alone = [noting(name, "tests/test_alone.py::test_alone") for name in ("alone-1", "alone-2")]
    beside = [noting(name, *HALVES) for name in ("beside-1", "beside-2")]
    lines: list[str] = []
    assert seed_all([*alone, *beside], lines.append, jobs=2, root=project) == 0
    assert [line.split()[1] for line in lines[2:-1]] == ["beside-1", "beside-2", "alone-1", "alone-2"]
    names = [line.split()[1] for line in (tmp_path / "times").read_text().splitlines()]
    assert {*names[:2]} == {*names[2:4]} == {"beside-1", "beside-2"}
    assert names[4:] == ["alone-1", "alone-1", "alone-2", "alone-2"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_behind(project: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Neither of the bugs that are tried now, nor of those that would be next."""
    program = (
        "import signal, sys\nfrom pathlib import Path\nfrom tests.seeded_bugs import __main__ as runner\n"
        "from tests.seeded_bugs.test_seeded_bugs import HANGS\n"
        "signal.signal(int(sys.argv[2]), runner._exit)\n"
        "runner.seed_all([HANGS] * 5, runner._tell, jobs=2, root=Path(sys.argv[1]))\n"
    )
    copies = tmp_path / "copies"
    copies.mkdir()
    environment = os.environ | {"TMPDIR": str(copies), "PYTHONPATH": str(ROOT)}
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(project), str(int(number))],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert runner.stdout is not None
    try:
        while not runner.stdout.readline().startswith("passed in"):
            assert runner.poll() is None
        while len([*copies.glob("*/project/hangs")]) < 2:
            time.sleep(0.05)
        started = psutil.Process(runner.pid).children(recursive=True)
        runner.send_signal(number)
        assert runner.wait(60) == 128 + number
    finally:
        runner.kill()
        runner.wait()
        runner.stdout.close()
    assert not psutil.wait_procs(started, timeout=2)[1]
    assert not [*copies.iterdir()]


def test_a_copy_is_the_project_without_what_git_ignores(tmp_path: Path) -> None:
    copy_project(ROOT, tmp_path / "copy")
    names = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")}
    assert {"pyproject.toml", SPLIT, TILES[0].partition("::")[0], "requirements.txt"} <= names
    assert not names & {".venv", ".git", "data", "build"}
    assert not [name for name in names if name.endswith((".pyc", ".egg-info"))]
