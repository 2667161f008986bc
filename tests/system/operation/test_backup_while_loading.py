"""A backup of a platform that takes files in and loads them: of each upload it holds all, or a beginning."""

import itertools
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg2
import pytest

from stack.local import LocalStack
from tests.chaos.checker import Checker, fetch, wait_until_settled
from tests.chaos.clients import TIMEOUT, Sending, send
from tests.chaos.files import Factory
from tests.chaos.ledger import Attempt, Ledger
from tests.chaos.storm import SETTINGS
from tests.system.cli.programs import run
from tests.waiting import eventually

# So many wait or load at any time.
OPEN = 5
UNFINISHED = {"queued", "loading"}
STATES = "SELECT id::text, state FROM uploads"

pytestmark = pytest.mark.timeout(400)


def states(database_url: str) -> dict[str, str]:
    """The state of each upload."""
    with closing(psycopg2.connect(database_url)) as connection:
        return dict(fetch(connection, STATES))


@contextmanager
def sending(stack: LocalStack, ledger: Ledger) -> Iterator[None]:
    """A client sends one file after the other, each for a tenant of its own, by both transports."""
    over, factory = threading.Event(), Factory(1)

    def send_files() -> None:
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
            for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count(1)):
                while list(states(stack.database_url).values()).count("loading") > OPEN:
                    time.sleep(0.05)
                file = factory.make(number)
                expected = file.expected
                attempt = Attempt(
                    tenant=f"n{number}", number=number, use_celery=number % 2 == 1, intent="keep", expected=expected
                )
                ledger.add(attempt)
                send(client, stack.api_url, Sending(file.name, file.content, as_form=False, key=None), attempt, ledger)

    thread = threading.Thread(target=send_files)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_each_upload_is_whole_or_goes_on_after_everything_was_lost(tmp_path: Path) -> None:
    ledger, backup = Ledger(), tmp_path / "backup"
    with LocalStack(tmp_path / "old", settings=SETTINGS) as old:
        with sending(old, ledger):
            assert eventually(lambda: list(states(old.database_url).values()).count("completed") >= OPEN, 60)
            before, sent_before = states(old.database_url), len(ledger.attempts)
            made = run(["backup", backup, "--data-dir", old.data_dir], 120)
            assert made.code == 0, made.err
            assert eventually(lambda: len(ledger.attempts) > sent_before + 1, 60)
        old.kill()
    shutil.rmtree(tmp_path / "old")

    new = LocalStack(tmp_path / "new", settings=SETTINGS)
    restored = run(["restore", backup, "--data-dir", new.data_dir], 120)
    assert restored.code == 0, restored.err
    new.start_database()
    try:
        found = states(new.database_url)
    finally:
        new.stop()
    completed = {upload_id for upload_id, state in before.items() if state == "completed"}
    assert {upload_id: found.get(upload_id) for upload_id in completed} == dict.fromkeys(completed, "completed")
    assert set(before) <= set(found)
    assert UNFINISHED & set(found.values())
    for attempt in ledger.attempts:
        if attempt.upload_id not in found:  # sent later: of these nothing may be there
            attempt.status = None
    with new:
        wait_until_settled(new.database_url, 120)
        checker = Checker(new.database_url, new.data_dir / "uploads", ledger.attempts)
        assert checker.check().findings == []
        assert checker.verdict.states == {"completed": len(found)}
    assert ledger.findings == []
