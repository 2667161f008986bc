"""`python -m tests.seeded_bugs [--jobs N] [NAME ...]`: puts each bug into a copy of the project and runs its tests.

A NAME is a bug's, or a requirement of docs/SECURITY.md: `S14` for the bugs that its tests catch, `security` for all.
The tests run first on copies without any bug: a test that fails there catches nothing. Then the runner tries N bugs at
a time, each on a copy and with servers of its own. The exit code is 0 only if every bug was caught by a failed test.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from tests.seeded_bugs import Bug
from tests.seeded_bugs.bugs import BUGS
from tests.seeded_bugs.requirements import ALL, chosen
from tests.seeded_bugs.trials import Outcome, Trials

ROOT: Final = Path(__file__).resolve().parents[2]
JOBS: Final = 2
BUG_SECONDS: Final = 240.0
BASELINE_SECONDS: Final = 1200.0
# Tests in a file with this mark measure time: nothing runs beside them.
_ALONE: Final = "pytest.mark.alone"

Report = Callable[[str], None]


def main() -> int:
    """0 if every bug was caught, 1 if not, 2 if the bugs could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_bugs", description="Are the tests worth anything?")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"bugs tried at a time (default: {JOBS})")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"S1 to S22, {ALL}, or of: {', '.join(bug.name for bug in BUGS)}"
    )
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        parser.error("--jobs must be at least 1")
    try:
        bugs = chosen(arguments.names, BUGS) if arguments.names else BUGS
    except ValueError as error:
        parser.error(str(error))
    for number in (signal.SIGINT, signal.SIGTERM):  # what was started is stopped, and copies are removed
        signal.signal(number, _exit)
    return seed_all(bugs, _tell, arguments.jobs)


def seed_all(
    bugs: Sequence[Bug], tell: Report, jobs: int = JOBS, bug_seconds: float = BUG_SECONDS, root: Path = ROOT
) -> int:
    """Try so many bugs at a time; the exit code."""
    started = time.monotonic()
    trials, tests = Trials(root), _tests_of(bugs)
    alone = [bug for bug in bugs if any(_is_alone(root, test) for test in bug.tests)]
    beside = [bug for bug in bugs if bug not in alone]
    tell(f"{len(bugs)} bugs; first their {len(tests)} tests without any")
    caught = 0
    with _threads(trials, jobs) as threads:
        parts = [*_parts(_tests_of(beside), jobs)]
        if reason := _baseline(trials, threads, parts, _tests_of(alone)):
            tell(f"not tried: {reason}")
            return 2
        tell(f"passed in {time.monotonic() - started:.0f} s")
        for bug, outcome in _outcomes(partial(trials.seed, seconds=bug_seconds), threads, beside, alone):
            caught += outcome.verdict == "caught"
            tell(f"{outcome.verdict:9} {bug.name:52} {outcome.seconds:5.1f} s  {outcome.detail}")
    tell(f"{caught} of {len(bugs)} caught in {time.monotonic() - started:.0f} s")
    return 0 if caught == len(bugs) else 1


@contextmanager
def _threads(trials: Trials, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads for the trials; an interrupt ends those that run, and waits until nothing of them is left."""
    threads = ThreadPoolExecutor(jobs, thread_name_prefix="trial")
    try:
        yield threads
    finally:
        trials.stop()
        threads.shutdown(cancel_futures=True)


def _baseline(trials: Trials, threads: ThreadPoolExecutor, parts: Sequence[Sequence[str]], alone: Sequence[str]) -> str:
    """Why the tests are no measure; "" if all of them pass: parts side by side, then those that must be alone."""
    run = partial(trials.baseline, seconds=BASELINE_SECONDS)
    reasons = (*threads.map(run, parts), *(threads.submit(run, tests).result() for tests in [alone] if tests))
    return "\n".join(filter(None, reasons))


def _outcomes(
    seed: Callable[[Bug], Outcome], threads: ThreadPoolExecutor, beside: Sequence[Bug], alone: Sequence[Bug]
) -> Iterator[tuple[Bug, Outcome]]:
    """In the order of the bugs: side by side, then those that must be alone, one after the other."""
    yield from zip(beside, threads.map(seed, beside), strict=True)
    for bug in alone:
        yield bug, threads.submit(seed, bug).result()


def _tests_of(bugs: Sequence[Bug]) -> list[str]:
    return sorted({test for bug in bugs for test in bug.tests})


def _parts(tests: Sequence[str], count: int) -> Iterator[list[str]]:
    """Deal the tests, file by file, because tests of one file share servers."""
    files = [list(of_file) for _, of_file in groupby(tests, lambda test: test.partition("::")[0])]
    for position in range(min(count, len(files))):
        yield [test for of_file in files[position::count] for test in of_file]


def _is_alone(root: Path, test: str) -> bool:
    path = root / test.partition("::")[0]
    return path.is_file() and _ALONE in path.read_text(encoding="utf-8")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
