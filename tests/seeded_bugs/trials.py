"""Tries bugs on copies of a project: each copy gets one bug, and pytest runs the tests that must catch it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from xml.etree import ElementTree as ET

from tests.seeded_bugs import Bug

# What does not belong to the project, where Git cannot tell.
_NOT_COPIED: Final = (".*", "data", "build", "node_modules", "__pycache__", "*.egg-info")
_POLL_SECONDS: Final = 0.05
_INTERRUPTED_SECONDS: Final = 20.0
_LONGEST_MESSAGE: Final = 100
# The plugins that the tests need. To import the others that are installed takes longer than most tests.
_PLUGINS: Final = ("pytest_timeout", "xdist.plugin", "_hypothesis_pytestplugin")
# Such a failure says that the copy is broken and not that a promise is.
_BROKEN: Final = re.compile(
    r"^(?:\w+\.)*(?:NameError|UnboundLocalError|AttributeError|ImportError|ModuleNotFoundError|SyntaxError)\b"
    r"|syntax error at or near",
)

Verdict = Literal["caught", "SURVIVED", "invalid", "timed out"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a bug; `detail` is the test that failed and how, or why none did."""

    verdict: Verdict
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest said; `failures` and `errors` (outside of a test's own body) are names and messages."""

    is_over: bool
    passed: int = 0
    failures: Sequence[tuple[str, str]] = ()
    errors: Sequence[tuple[str, str]] = ()
    output: str = ""


class Trials:
    """Runs tests on copies of the project in `root`; its methods may run in several threads at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """End every run soon, and let none begin: what they started is stopped, and their copies are removed."""
        self._is_stopped.set()

    def baseline(self, tests: Sequence[str], seconds: float) -> str:
        """Why these tests are no measure; "" if they pass on a copy without any bug."""
        with self._copy() as copy:
            if (imported := _imported_from(copy)) != copy / "shared" / "__init__.py":
                return f"the tests would import {imported} and not the copy"
            run = self._run(copy, tests, seconds)
        if not run.is_over:
            return "the tests did not end without any bug"
        if run.failures or run.errors or not run.passed:
            found = "".join(f"\n  {name}: {message}" for name, message in (*run.failures, *run.errors))
            return f"the tests do not pass without any bug{found or run.output}"
        return ""

    def seed(self, bug: Bug, seconds: float) -> Outcome:
        """Put the bug into a copy and run its tests for so long at most."""
        started = time.monotonic()
        with self._copy() as copy:
            path = copy / bug.path
            try:
                path.write_text(bug.seed(path.read_text(encoding="utf-8")), encoding="utf-8")
            except ValueError as error:
                return Outcome("invalid", str(error), 0.0)
            verdict, detail = _judge(self._run(copy, bug.tests, seconds))
        return Outcome(verdict, detail, time.monotonic() - started)

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        """The project's files in a directory of their own, which is removed at the end."""
        with tempfile.TemporaryDirectory(prefix="seeded-bugs-", ignore_cleanup_errors=True) as directory:
            copy = Path(directory).resolve() / "project"
            copy_project(self._root, copy)
            yield copy

    def _run(self, copy: Path, tests: Sequence[str], seconds: float) -> Run:
        """Pytest on the copy; nothing is left of the processes of its group afterwards."""
        if self._is_stopped.is_set():
            return Run(is_over=False)
        report, log = copy.parent / "report.xml", copy.parent / "log"
        # A hang is not to become a failure: our own limit ends it.
        options = ["-x", "-q", "-p", "no:cacheprovider", "--timeout=0", f"--basetemp={copy.parent / 'tmp'}"]
        # PostgreSQL 15 would only repeat what 18 says; a prefix of a name is enough here.
        options += [f"--deselect={test}[15" for test in tests]
        options += [f"-p{plugin}" for plugin in _PLUGINS]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *tests],
                cwd=copy,
                env=_environment(copy),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            is_over = self._has_ended(process.pid, seconds)
            if not is_over:
                os.killpg(process.pid, signal.SIGINT)  # pytest stops its servers
                _has_ended(process.pid, _INTERRUPTED_SECONDS)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # not waited for before, so its number is still its own
            process.wait()
        return _read(report, log) if is_over else Run(is_over=False)

    def _has_ended(self, pid: int, seconds: float) -> bool:
        return _has_ended(pid, seconds, self._is_stopped)


def copy_project(root: Path, copy: Path) -> None:
    """Copy what Git tracks and new files that it does not ignore; without Git, all that looks like the project's."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = ""
    if (root / ".git").exists() and shutil.which("git"):
        names = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=False).stdout
    if not names:
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    for name in filter(None, names.split("\0")):
        if (root / name).is_file():  # it may be removed and still be in Git's index
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)


def _judge(run: Run) -> tuple[Verdict, str]:
    if not run.is_over:
        return "timed out", "the tests did not end"
    for name, message in run.failures:
        if _BROKEN.search(message):
            return "invalid", f"it breaks more than a promise: {message}"
        return "caught", f"{name}: {message[:_LONGEST_MESSAGE]}"
    if run.errors:
        return "invalid", f"no test could run: {run.errors[0][1]}"
    if not run.passed:
        return "invalid", f"no test was run: {run.output}"
    return "SURVIVED", f"{run.passed} tests passed"


def _imported_from(copy: Path) -> Path:
    """Where the packages come from in a test of the copy: an editable install points at the original."""
    command = [sys.executable, "-c", "import shared; print(shared.__file__)"]
    found = subprocess.run(command, cwd="/", env=_environment(copy), capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


def _environment(copy: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "INGEST_"))}
    return {**inherited, "PYTHONPATH": str(copy), "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _has_ended(pid: int, seconds: float, is_stopped: threading.Event | None = None) -> bool:
    """Whether the child ends in time and before we are stopped; it stays a zombie."""
    deadline = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > deadline or (is_stopped is not None and is_stopped.is_set()):
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _read(report: Path, log: Path) -> Run:
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314  our own

    def found(kind: str) -> list[tuple[str, str]]:
        return [
            (case.get("name", ""), _first_line(element.get("message", ""), element.text or ""))
            for case in cases
            for element in case.iter(kind)
        ]

    passed = sum(not len(case.findall("*")) for case in cases)
    output = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    return Run(is_over=True, passed=passed, failures=found("failure"), errors=found("error"), output=output)


def _first_line(message: str, text: str) -> str:
    """The message of a failure; a collection's own says less than its last line."""
    line = text.strip().rpartition("\n")[2] if message == "collection failure" else message.partition("\n")[0]
    return line.removeprefix("E ").strip()
