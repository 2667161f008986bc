"""`python -m tests.seeded_bugs [NAME ...]`: puts each bug into a copy of the project and runs the tests named for it.

A NAME is a bug's, or a requirement of docs/SECURITY.md: `S14` for the bugs that its tests catch, `security` for all.
First they run on a copy without any bug: what fails there catches nothing. The exit code is 0 only if every bug was
caught by a test that failed. A copy holds what Git tracks, and new files that it does not ignore.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, Literal, NoReturn
from xml.etree import ElementTree as ET

from tests.seeded_bugs import Bug
from tests.seeded_bugs.bugs import BUGS
from tests.seeded_bugs.requirements import ALL, chosen

ROOT: Final = Path(__file__).resolve().parents[2]
BUG_SECONDS: Final = 180.0
BASELINE_SECONDS: Final = 900.0
# What is not the project, where Git cannot tell.
_NOT_COPIED: Final = (".*", "data", "build", "node_modules", "__pycache__", "*.egg-info")
_INTERRUPTED_SECONDS: Final = 20.0
_LONGEST_MESSAGE: Final = 100
# Such a failure says that the copy is broken and not that a promise is.
_BROKEN: Final = re.compile(
    r"^(?:\w+\.)*(?:NameError|UnboundLocalError|AttributeError|ImportError|ModuleNotFoundError|SyntaxError)\b"
    r"|syntax error at or near",
)

Verdict = Literal["caught", "SURVIVED", "invalid", "timed out"]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a bug; `detail` is the test that failed and how, or why there is none."""

    verdict: Verdict
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest said; `failures` and `errors` (outside of a test's own body) are names and messages."""

    is_over: bool
    passed: int
    failures: list[tuple[str, str]]
    errors: list[tuple[str, str]]
    output: str


def main() -> int:
    """0 if every bug was caught, 1 if not, 2 if it could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_bugs", description="Are the tests worth anything?")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"S1 to S21, {ALL}, or of: {', '.join(bug.name for bug in BUGS)}"
    )
    names = parser.parse_args().names
    try:
        bugs = chosen(names, BUGS) if names else BUGS
    except ValueError as error:
        parser.error(str(error))
    signal.signal(signal.SIGTERM, _exit)  # so that what was started is stopped, and copies are removed
    return seed_all(bugs, _tell)


def seed_all(bugs: Sequence[Bug], tell: Report, bug_seconds: float = BUG_SECONDS) -> int:
    """Try them one after the other; the exit code."""
    started = time.monotonic()
    tests = sorted({test for bug in bugs for test in bug.tests})
    tell(f"{len(bugs)} bugs; first their {len(tests)} tests without any")
    if reason := _baseline(tests):
        tell(f"not tried: {reason}")
        return 2
    tell(f"passed in {time.monotonic() - started:.0f} s")
    outcomes = []
    for bug in bugs:
        outcome = _seed(bug, bug_seconds)
        outcomes.append(outcome)
        tell(f"{outcome.verdict:9} {bug.name:42} {outcome.seconds:5.1f} s  {outcome.detail}")
    caught = sum(outcome.verdict == "caught" for outcome in outcomes)
    tell(f"{caught} of {len(bugs)} caught in {time.monotonic() - started:.0f} s")
    return 0 if caught == len(bugs) else 1


def _baseline(tests: Sequence[str]) -> str:
    """Why the tests are no measure: "" if they pass."""
    with tempfile.TemporaryDirectory(prefix="seeded-bugs-", ignore_cleanup_errors=True) as directory:
        copy = _copy(Path(directory))
        if (imported := _imported_from(copy)) != copy / "shared" / "__init__.py":
            return f"the tests would import {imported} and not the copy"
        run = _run(copy, tests, BASELINE_SECONDS)
    if not run.is_over:
        return "the tests did not end without any bug"
    if run.failures or run.errors or not run.passed:
        found = "".join(f"\n  {name}: {message}" for name, message in run.failures + run.errors)
        return f"the tests do not pass without any bug{found or run.output}"
    return ""


def _seed(bug: Bug, seconds: float) -> Outcome:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seeded-bugs-", ignore_cleanup_errors=True) as directory:
        copy = _copy(Path(directory))
        path = copy / bug.path
        try:
            path.write_text(bug.seed(path.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            return Outcome("invalid", str(error), 0.0)
        verdict, detail = _judge(_run(copy, bug.tests, seconds))
    return Outcome(verdict, detail, time.monotonic() - started)


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


def _copy(directory: Path) -> Path:
    """The project's files in a directory of their own."""
    copy = directory.resolve() / "project"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = ""
    if (ROOT / ".git").exists() and shutil.which("git"):
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if not names:
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():  # it may be removed and still be in Git's index
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def _imported_from(copy: Path) -> Path:
    """Where the packages come from in a test of the copy: an editable install points at the original."""
    command = [sys.executable, "-c", "import shared; print(shared.__file__)"]
    found = subprocess.run(command, cwd="/", env=_environment(copy), capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


def _environment(copy: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "INGEST_"))}
    return {**inherited, "PYTHONPATH": str(copy), "COLUMNS": "200"}


def _run(copy: Path, tests: Sequence[str], seconds: float) -> Run:
    """Pytest on the copy; whatever it started in its session is gone afterwards."""
    report, log = copy.parent / "report.xml", copy.parent / "log"
    # A hang is not to become a failure: our own limit ends it.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--timeout=0", f"--basetemp={copy.parent / 'tmp'}"]
    # PostgreSQL 15 would only repeat what 18 says; a prefix of a name is enough here.
    options += [f"--deselect={test}[15" for test in tests]
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
        is_over = _has_ended(process.pid, seconds)
        if not is_over:
            os.killpg(process.pid, signal.SIGINT)  # pytest stops its servers
            _has_ended(process.pid, _INTERRUPTED_SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # not waited for before: its number is still its own
        process.wait()
    return _read(report, is_over, log.read_text(encoding="utf-8", errors="replace")[-2000:])


def _has_ended(pid: int, seconds: float) -> bool:
    """Whether the child ends in time; it stays a zombie."""
    deadline = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _read(report: Path, is_over: bool, output: str) -> Run:
    cases = list(ET.parse(report).iter("testcase")) if is_over and report.exists() else []  # noqa: S314  our own

    def found(kind: str) -> list[tuple[str, str]]:
        return [
            (case.get("name", ""), _first_line(element.get("message", ""), element.text or ""))
            for case in cases
            for element in case.iter(kind)
        ]

    failures, errors = found("failure"), found("error")
    passed = sum(not len(case.findall("*")) for case in cases)
    return Run(is_over, passed, failures, errors, output)


def _first_line(message: str, text: str) -> str:
    """The message of a failure; a collection's own says less than its last line."""
    line = text.strip().rpartition("\n")[2] if message == "collection failure" else message.partition("\n")[0]
    return line.removeprefix("E ").strip()


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
