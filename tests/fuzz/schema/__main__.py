"""`python -m tests.fuzz.schema [CALLS] [SEED]`: a stack of its own, and so many calls; exit code 1 if any was amiss."""

import signal
import sys
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

from stack.local import LocalStack
from tests.fuzz.schema.calls import Report, call
from tests.fuzz.schema.tenants import Access, load_foreign, load_own

# Of each operation and of sequences, before the seed changes.
EXAMPLES = 60


def main(calls: int, seed: int) -> int:
    with TemporaryDirectory() as directory, LocalStack(Path(directory)) as stack:
        mine, theirs = (Access(f"{name}-{uuid.uuid4().hex[:12]}") for name in ("a", "b"))
        load_own(stack.api_url, mine)
        foreign = load_foreign(stack.api_url, theirs)
        before, started = foreign.look(stack.api_url), time.monotonic()
        report = call(stack.api_url, mine, foreign, calls=calls, seed=seed, examples=EXAMPLES, tell=say)
        if foreign.look(stack.api_url) != before:
            report.findings["foreign: changed"] = "the other tenant's data is not what it was"
        show(report, time.monotonic() - started)
    return 1 if report.findings else 0


def show(report: Report, seconds: float) -> None:
    lines = [f"{times:7}  {status}  {operation}" for (operation, status), times in sorted(report.statuses.items())]
    lines += [f"{report.calls} calls in {seconds:.0f} s, {report.reached_over} of them for what is another tenant's"]
    lines += [f"\n{name}\n{what}" for name, what in report.findings.items()]
    say("\n".join(lines))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _exit(*_: object) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _exit)  # so that the stack is stopped
    arguments = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*arguments, *(20_000, 1)[len(arguments) :]))
