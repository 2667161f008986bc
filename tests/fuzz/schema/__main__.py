"""`python -m tests.fuzz.schema [CALLS] [SEED]`: so many calls, half of them with keys; exit code 1 for a finding."""

import signal
import sys
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

from stack.local import LocalStack
from tests.file_server import FileServer
from tests.fuzz.schema.calls import Plan, Report, call, read_document
from tests.fuzz.schema.tenants import Access, load_foreign, load_own
from tests.system.api.keyed import UNLIMITED, key_for

# Of each operation and of sequences, before the seed changes.
EXAMPLES = 60


def main(calls: int, seed: int) -> int:
    plan = Plan(examples=EXAMPLES, seed=seed)
    reports = [fuzz(plan, calls // 2, are_keys_required=are_keys_required) for are_keys_required in (False, True)]
    return 1 if any(report.findings for report in reports) else 0


def fuzz(plan: Plan, calls: int, *, are_keys_required: bool) -> Report:
    with FileServer(None) as file_server, TemporaryDirectory() as directory:
        settings = {"INGEST_REQUIRE_KEYS": str(are_keys_required).lower(), **UNLIMITED, **file_server.settings}
        return _fuzz(LocalStack(Path(directory), settings=settings), file_server, plan, calls, are_keys_required)


def _fuzz(stack: LocalStack, file_server: FileServer, plan: Plan, calls: int, are_keys_required: bool) -> Report:
    with stack:
        mine, theirs = (access_to(stack, f"{name}-{uuid.uuid4().hex[:12]}", are_keys_required) for name in ("a", "b"))
        possible = load_own(stack.api_url, mine, file_server)
        foreign = load_foreign(stack, theirs)
        before, started = foreign.look(stack.api_url), time.monotonic()
        report = call(read_document(stack.api_url, mine), mine, foreign, possible, plan, calls=calls, tell=say)
        if foreign.look(stack.api_url) != before:
            report.findings["foreign: changed"] = "the other tenant's data is not what it was"
        show(report, time.monotonic() - started)
    return report


def access_to(stack: LocalStack, tenant: str, are_keys_required: bool) -> Access:
    return Access(tenant, key_for(stack, tenant).text if are_keys_required else None)


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
