"""At every boundary between two effects a process is killed, stopped beyond its lease, or fails; then the others go on.

The step runs in a process of its own. What comes after it, the sweep and another loader, is played by the test. A
stopped process is continued at the end, when its work is long done by others, and must not be able to change anything.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.catalog.write_mode import WriteMode
from shared.failpoints import ACTIONS, POINTS
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.plans import apply
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.sweep import count_what_is_left, sweep
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.loading.loader import Loader
from shared.ingest.merging.merger import merge_all
from shared.ingest.words.filler import fill_all
from shared.messaging import Transport
from shared.settings import Settings
from stack.ports import LOCALHOST, free_port
from tests.conftest import REGISTRY, ROOT, Correct, Intake
from tests.failpoint_child import run
from tests.integration.ingest.corrections import check_totals, corrected_movies, counts, reasons, rejected_lines
from tests.integration.ingest.merging import contents, eager, leaves, unattached
from tests.integration.ingest.test_actions import Notifier, forget_notifications, own_tables, stop_after
from tests.integration.ingest.test_duplicates import large as repeated_keys
from tests.integration.ingest.test_loader import LARGE, SMALL, never, rows, upload
from tests.integration.ingest.test_write_modes import check_kept_sums
from tests.integration.ingest.test_write_modes import contents as visible_titles
from tests.integration.ingest.titles import titles

# Children are forked from a process that has imported everything once.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.failpoint_child"])

Acting = Callable[[str, uuid.UUID, str, str], AbstractContextManager[None]]

STEPS = {"load": ("load.", "batch.", "publish."), "cancel": ("cancel.",), "retry": ("retry.",), "undo": ("undo.",)}
STEPS["sweep"] = ("sweep.",)
STEPS["correct"] = ("load.", "batch.", "correction.")  # it is loaded as others are: in one size
LOADED = {SMALL: (2, 1), LARGE: (180, 20)}
# Points that uploads which replace or upsert have, and which of their commits make them visible.
OF_MODES = ("publish.compared", "publish.superseded", "publish.counted")
LARGE_POINTS = ("publish.superseded", "publish.completed", "publish.committed")
# More bytes than a batch.
FILLER = {f"tt1{number:06}": "filler" for number in range(300)}
IS_PUBLISHED = ("batch.committed", "publish.committed", "publish.counted")
MODE_CASES = [
    (mode, point, action, size)
    for mode, size, points in (
        (WriteMode.REPLACE, "small", ("publish.superseded", "batch.committed", "publish.counted")),
        (WriteMode.REPLACE, "large", (*LARGE_POINTS, "publish.counted")),
        (WriteMode.UPSERT, "small", ("publish.superseded", "batch.committed")),
        (WriteMode.UPSERT, "large", ("publish.compared", *LARGE_POINTS)),
    )
    for point in points
    for action in ("kill", "stop")
]
CASES = [
    (step, point, action, size)
    for step, prefixes in STEPS.items()
    for point in POINTS
    if point.startswith(prefixes) and point not in ("publish.deduplicated", *OF_MODES)
    for action in ACTIONS
    for size in ("small", "large")
    if not (size == "small" and point.startswith("publish."))  # a small upload is published by its batch
    if not (size == "large" and step == "correct" and not point.startswith("correction."))
]
# An applied plan is published as a large upload is; that of an append supersedes nothing.
PLANNED_POINTS = (*(point for point in POINTS if point.startswith("plan.")), "apply.committed", *LARGE_POINTS)
PLAN_CASES = [
    (mode, point, action)
    for mode in WriteMode
    for point in PLANNED_POINTS
    for action in ("kill", "stop")
    if (mode, point) != (WriteMode.APPEND, "publish.superseded")
]
EDIT_CASES = [(point, action) for point in POINTS if point.startswith("edit.") for action in ACTIONS]
MERGE_CASES = [(point, action) for point in POINTS if point.startswith("merge.") for action in ACTIONS]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A process that was stopped has lost its lease when it goes on; LARGE has few batches."""
    return settings.model_copy(update={"lease_seconds": 0.5, "batch_bytes": 4096, "small_upload_bytes": 1024})


@pytest.fixture
def acting(settings: Settings, tmp_path: Path) -> Acting:
    """Carries a step out in a process of its own, with a failpoint armed.

    While the block runs, this process is dead or stopped; after it, it has gone on to its end.
    """

    @contextmanager
    def act(step: str, upload_id: uuid.UUID, point: str, action: str) -> Iterator[None]:
        marker = tmp_path / "marker"
        armed = settings.model_copy(update={"failpoint": f"{point}:{action}:{marker}"})
        child = PROCESSES.Process(target=run, args=(step, upload_id, armed))
        child.start()
        try:
            wait_until_it_acted(child, action)
            yield
            if action == "stop":
                os.kill(child.pid or 0, signal.SIGCONT)
                child.join(30)
                assert child.exitcode is not None
        finally:
            child.kill()  # one that is still stopped would hold up the end of the whole run
            child.join()
        assert marker.exists()

    return act


def test_every_point_is_tested() -> None:
    tested = {point for _, point, _, _ in (*CASES, *MODE_CASES)} | {point for point, _ in MERGE_CASES}
    tested |= {point for point, _ in EDIT_CASES}
    tested |= {"publish.deduplicated", "withdrawn.listed", "prune.removed", "vocabulary.added", *PLANNED_POINTS}
    assert tested | {p for p in POINTS if p.startswith("intake.")} == set(POINTS)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize(("step", "point", "action", "size"), CASES)
def test_failpoint(
    engine: Engine,
    loader: Loader,
    intake: Intake,
    acting: Acting,
    correct: Correct,
    settings: Settings,
    step: str,
    point: str,
    action: str,
    size: str,
) -> None:
    content = SMALL if size == "small" else LARGE
    upload_id = intake(content)
    prepare(step, engine, loader, upload_id, content)
    if step == "correct":
        upload_id = correct(upload_id, corrected_movies(*rejected_lines(engine, upload_id), "no line"))
        forget_notifications(engine)
    with acting(step, upload_id, point, action):
        finish(step, engine, loader, settings, upload_id)
        check(step, engine, upload_id, content)
    check(step, engine, upload_id, content)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize("action", ACTIONS)
def test_failpoint_of_repeated_keys(
    engine: Engine, loader: Loader, intake: Intake, acting: Acting, settings: Settings, action: str
) -> None:
    """Another loader removes the same rows, once, and publishes."""
    upload_id = intake(repeated_keys(), "title.basics.tsv")
    with acting("load", upload_id, "publish.deduplicated", action):
        finish("load", engine, loader, settings, upload_id)
        check_repeated(engine, upload_id)
    check_repeated(engine, upload_id)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize(("point", "action"), EDIT_CASES)
def test_failpoint_of_an_edit(
    engine: Engine, loader: Loader, intake: Intake, acting: Acting, point: str, action: str
) -> None:
    """All of it has happened or nothing: there is no upload that others would have to finish."""
    loader.load(intake(titles({"tt1": "a", "tt2": "a"}), "title.basics.tsv", mode=WriteMode.APPEND), never)
    with acting("edit", uuid.uuid4(), point, action):
        pass
    is_carried_out = action == "stop" or point == "edit.committed"
    assert visible_titles(engine) == Counter({("tt1", "b" if is_carried_out else "a"): 1, ("tt2", "a"): 1})
    assert rows(engine, "SELECT state FROM uploads") == [("completed",)] * (1 + is_carried_out)
    check_kept_sums(engine)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize("action", ACTIONS)
def test_failpoint_of_the_vocabulary(
    engine: Engine, loader: Loader, intake: Intake, acting: Acting, action: str
) -> None:
    """Another process adds the same words, and those of the chunks behind them, each once."""
    expected = {f"film{letter}": f"tt{number}" for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    values = {key: word for word, key in expected.items()}
    loader.load(intake(titles(values | FILLER), "title.basics.tsv", mode=WriteMode.APPEND), never)
    words = "SELECT word FROM vocabulary ORDER BY word"
    with acting("fill", uuid.uuid4(), "vocabulary.added", action):
        assert rows(engine, words) == []
        if action == "stop":
            fill_all(engine, REGISTRY)
            assert rows(engine, words) == []  # the stopped process holds the lock for as long as its session lives
    fill_all(engine, REGISTRY)
    assert {word for (word,) in rows(engine, words)} == {*expected, "filler"}
    assert rows(engine, "SELECT next_id FROM vocabulary_progress") == [(0,)]


def check_repeated(engine: Engine, upload_id: uuid.UUID) -> None:
    found = upload(engine, upload_id)
    assert (found["state"], found["loaded_records"], found["duplicate_records"]) == ("completed", 237, 3)
    assert len(rows(engine, "SELECT line_number FROM duplicates")) == 3
    check_totals(engine)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize(("mode", "point", "action", "size"), MODE_CASES)
def test_failpoint_of_a_mode(
    engine: Engine,
    loader: Loader,
    intake: Intake,
    acting: Acting,
    settings: Settings,
    mode: WriteMode,
    point: str,
    action: str,
    size: str,
) -> None:
    """Readers see the rows before it or those after it, counts are right, and an undo brings back what was there."""
    filler = FILLER if size == "large" else {}
    loader.load(intake(titles({"tt1": "a", "tt2": "a", **FILLER}), "title.basics.tsv", mode=WriteMode.APPEND), never)
    loader.load(intake(titles({"tt3": "a"}), "title.basics.tsv", mode=WriteMode.APPEND), never)
    before = visible_titles(engine)
    values = {"tt1": "a", "tt2": "b", "tt4": "a", **filler}
    after = Counter((values if mode is WriteMode.REPLACE else dict(before.keys()) | values).items())
    upload_id = intake(titles(values), "title.basics.tsv", mode=mode)
    with acting("load", upload_id, point, action):
        assert visible_titles(engine) == (after if point in IS_PUBLISHED else before)
        finish("load", engine, loader, settings, upload_id)
        count_what_is_left(engine, REGISTRY, lease_seconds=0)
        check_mode(engine, upload_id, after, len(before) + 1 - len(after))
    check_mode(engine, upload_id, after, len(before) + 1 - len(after))
    undo(engine, REGISTRY, upload_id, "public")
    assert visible_titles(engine) == before
    check_kept_sums(engine)


def check_mode(engine: Engine, upload_id: uuid.UUID, after: Counter[tuple[str, str]], removed: int) -> None:
    assert visible_titles(engine) == after
    check_kept_sums(engine)
    found = upload(engine, upload_id)
    records = found["loaded_records"]
    assert [found[f"{name}_records"] for name in ("new", "changed", "unchanged", "removed")] == [
        *(1, 1, records - 2),
        removed if found["mode"] == WriteMode.REPLACE else 0,
    ]


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize(("mode", "point", "action"), PLAN_CASES)
def test_failpoint_of_a_plan(
    engine: Engine,
    loader: Loader,
    intake: Intake,
    acting: Acting,
    settings: Settings,
    mode: WriteMode,
    point: str,
    action: str,
) -> None:
    """Until it is applied, nothing of it is visible; then exactly what it has said is published."""
    loader.load(intake(titles({"tt1": "a", "tt2": "a", **FILLER}), "title.basics.tsv", mode=WriteMode.APPEND), never)
    loader.load(intake(titles({"tt3": "a"}), "title.basics.tsv", mode=WriteMode.APPEND), never)
    before = visible_titles(engine)
    values = {"tt1": "a", "tt2": "b", "tt4": "a"}
    after = dict(before.keys()) | values if mode is WriteMode.UPSERT else values
    expected = (before if mode is WriteMode.APPEND else Counter()) + Counter(after.items())
    upload_id = intake(titles(values), "title.basics.tsv", mode=mode, plan=True)
    if point.startswith("plan."):
        with acting("load", upload_id, point, action):
            finish("load", engine, loader, settings, upload_id)
            check_planned(engine, upload_id, "planned", before, mode)
        check_planned(engine, upload_id, "planned", before, mode)
        assert apply(engine, upload_id, "public", None)
        finish("load", engine, loader, settings, upload_id)
    else:
        finish("load", engine, loader, settings, upload_id)
        check_planned(engine, upload_id, "planned", before, mode)
        step = "apply" if point == "apply.committed" else "load"
        if step == "load":
            assert apply(engine, upload_id, "public", None)
        with acting(step, upload_id, point, action):
            assert visible_titles(engine) == (expected if point in IS_PUBLISHED else before)
            finish("load", engine, loader, settings, upload_id)
            check_planned(engine, upload_id, "completed", expected, mode)
    check_planned(engine, upload_id, "completed", expected, mode)
    undo(engine, REGISTRY, upload_id, "public")
    assert visible_titles(engine) == before
    check_kept_sums(engine)


PLANNED_COUNTS = {
    WriteMode.APPEND: [3, 0, 0, 0],
    WriteMode.UPSERT: [1, 1, 1, 0],
    WriteMode.REPLACE: [1, 1, 1, len(FILLER) + 1],
}


def check_planned(
    engine: Engine, upload_id: uuid.UUID, state: str, visible: Counter[tuple[str, str]], mode: WriteMode
) -> None:
    found = upload(engine, upload_id)
    assert (found["state"], found["loaded_records"]) == (state, 3)
    assert [found[f"{name}_records"] for name in ("new", "changed", "unchanged", "removed")] == PLANNED_COUNTS[mode]
    assert visible_titles(engine) == visible
    check_kept_sums(engine)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize("action", ACTIONS)
def test_failpoint_of_a_withdrawn_leaf(
    engine: Engine, loader: Loader, intake: Intake, acting: Acting, action: str
) -> None:
    """Another process lists the rows of an undone upload beside it: each is listed once, then the table is gone."""
    upload_id = intake(titles(FILLER), "title.basics.tsv", mode=WriteMode.APPEND)
    loader.load(upload_id, never)
    undo(engine, REGISTRY, upload_id, "public")
    other = threading.Thread(target=drop_withdrawn, args=(engine, REGISTRY))
    with acting("list withdrawn", upload_id, "withdrawn.listed", action):
        assert rows(engine, "SELECT * FROM touched_rows") == []
        other.start()
        if action != "stop":  # otherwise it waits for the one that was stopped, or for the end of its session
            other.join(30)
    other.join(30)
    assert not other.is_alive()
    listed = rows(engine, "SELECT jsonb_array_elements(identities) ->> 0 FROM touched_rows")
    assert sorted(key for (key,) in listed) == sorted(FILLER)
    assert rows(engine, "SELECT relname FROM pg_class WHERE relname ~ '^movies_[ux][0-9]+$'") == []


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize("action", ACTIONS)
def test_failpoint_of_pruning(engine: Engine, loader: Loader, intake: Intake, acting: Acting, action: str) -> None:
    """All that was superseded is gone or nothing is, and readers see no difference."""
    for values in ({"tt1": "a", **FILLER}, {"tt2": "a"}, {"tt3": "a"}):
        loader.load(upload_id := intake(titles(values), "title.basics.tsv", mode=WriteMode.REPLACE), never)
    count_what_is_left(engine, REGISTRY, lease_seconds=0)
    kept = "SELECT (SELECT count(*) FROM movies_history), (SELECT count(*) FROM movies_superseded)"
    before = visible_titles(engine)
    with acting("prune", upload_id, "prune.removed", action):
        assert visible_titles(engine) == before
        if action != "stop":
            assert rows(engine, kept) == [(1, len(FILLER) + 1)]
        prune(engine, days=0)
        assert visible_titles(engine) == before
    prune(engine, days=0)
    assert rows(engine, kept) == [(0, 0)]
    assert rows(engine, "SELECT version, pruned_version FROM collections") == [(3, 3)]
    assert visible_titles(engine) == before
    check_kept_sums(engine)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize(("point", "action"), MERGE_CASES)
def test_failpoint_of_a_merge(
    engine: Engine, loader: Loader, intake: Intake, acting: Acting, settings: Settings, point: str, action: str
) -> None:
    """Another process merges on, and uploads go on being undone; the rows are the same all the while."""
    settings = settings.model_copy(update={"batch_bytes": 100_000})
    uploads = [intake(LARGE) for _ in range(3)]
    for upload_id in uploads:
        loader.load(upload_id, never)
    if point == "merge.repaired":
        merge_all(eager(engine, settings, chunk_rows=100, should_stop=stop_after(9)))  # all is copied
        undo(engine, REGISTRY, uploads[0], "public")
    before = contents(engine)
    with acting("merge", uploads[0], point, action):
        assert contents(engine) == before
        finish_merging(engine, settings)
        check_merged(engine, before)
        undo(engine, REGISTRY, uploads[1], "public")
        kept = contents(engine)
    check_merged(engine, kept)


def finish_merging(engine: Engine, settings: Settings) -> None:
    """The process that was stopped may hold locks until its session ends."""
    deadline = time.monotonic() + 30
    while len(leaves(engine)) > 1:
        assert time.monotonic() < deadline
        with suppress(DBAPIError):
            merge_all(eager(engine, settings, chunk_rows=100))
        time.sleep(0.1)


def check_merged(engine: Engine, expected: list[Any]) -> None:
    assert contents(engine) == expected
    assert len(leaves(engine)) == 1
    assert unattached(engine) == []
    check_totals(engine)


def prepare(step: str, engine: Engine, loader: Loader, upload_id: uuid.UUID, content: bytes) -> None:
    """Bring the upload into the state in which the step makes sense."""
    if step in ("undo", "correct"):
        loader.load(upload_id, never)
    elif content == LARGE and step != "load":
        loader.load(upload_id, stop_after(3))
    if step == "retry":
        cancel(engine, upload_id, "public")
    forget_notifications(engine)


def wait_until_it_acted(child: ForkServerProcess, action: str) -> None:
    deadline = time.monotonic() + 30
    while action == "stop" and psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        assert child.is_alive()
        time.sleep(0.01)
    if action != "stop":
        child.join(30)
        assert child.exitcode is not None
        assert (child.exitcode == -signal.SIGKILL) == (action == "kill")


def finish(step: str, engine: Engine, loader: Loader, settings: Settings, upload_id: uuid.UUID) -> None:
    """What the rest of the platform, and a client that asks again, does afterwards."""
    deadline = time.monotonic() + 30
    while True:
        assert time.monotonic() < deadline, upload(engine, upload_id)
        notifier = Notifier()
        forget_notifications(engine)
        sweep(engine, settings, notifier, [Transport.CELERY])
        for notified in notifier.notified:
            loader.load(notified, never)
        state = upload(engine, upload_id)["state"]
        if step == "undo" and state == "completed":
            undo(engine, REGISTRY, upload_id, "public")
        elif step == "retry" and state == "cancelled":
            retry(engine, upload_id, "public")
        elif state not in ("queued", "loading"):
            return
        time.sleep(0.1)


def check(step: str, engine: Engine, upload_id: uuid.UUID, content: bytes) -> None:
    if step == "correct":
        check_corrected(engine, upload_id, content)
        return
    found = upload(engine, upload_id)
    expected = {"cancel": "cancelled", "undo": "undone"}.get(step, "completed")
    assert found["state"] == expected
    loaded, rejected = LOADED[content] if expected == "completed" else (0, 0)
    assert rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies") == [(loaded, loaded)]
    assert rows(engine, "SELECT count(DISTINCT line_number) FROM rejects") == [(rejected,)]
    assert rows(engine, "SELECT coalesce(sum(row_count), 0) FROM collection_totals WHERE breakdown = 'rows'") == [
        (loaded,)
    ]
    assert len(own_tables(engine)) == (1 if expected == "completed" and content == LARGE else 0)
    if expected == "completed":
        assert (found["loaded_records"], found["rejected_records"]) == (loaded, rejected)


def check_corrected(engine: Engine, correction: uuid.UUID, content: bytes) -> None:
    """The upload has no reject any more, the correction its one, and every row is there once."""
    loaded, rejected = LOADED[content]
    assert upload(engine, correction)["state"] == "completed"
    assert counts(engine, correction) == (rejected + 1, rejected, 1)
    (parent,) = rows(engine, "SELECT id FROM uploads WHERE corrects IS NULL")[0]
    assert counts(engine, parent) == (loaded + rejected, loaded + rejected, 0)
    assert [code for _, code in reasons(engine, correction)] == ["not_a_reject"]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(1,)]
    assert rows(engine, "SELECT count(*) FROM upload_events WHERE event = 'corrected'") == [(1,)]
    check_totals(engine)


@pytest.fixture
def api_address(settings: Settings, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An API process alone (its own loader included) with a failpoint; no broker."""
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "INGEST_DATA_DIR": str(settings.data_dir),
        "INGEST_BATCH_BYTES": str(settings.batch_bytes),
        "INGEST_SMALL_UPLOAD_BYTES": str(settings.small_upload_bytes),
        "INGEST_FAILPOINT": f"{request.param}:{tmp_path / 'marker'}",
    }
    command = [sys.executable, "-m", "uvicorn", "api.main:app_from_environment", "--factory", f"--port={port}"]
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://{LOCALHOST}:{port}/api/v1"
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{address}/ping", trust_env=False)
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield address
    child.terminate()
    child.wait(30)


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize(
    "api_address", ["intake.stored:kill", "intake.registered:kill", "intake.notified:kill"], indirect=True
)
def test_an_api_that_dies_during_the_intake(
    engine: Engine, loader: Loader, settings: Settings, api_address: str
) -> None:
    """Without an answer the client owns nothing; what was committed all the same is loaded, once."""
    parameters = {"filename": "movies.csv", "use_celery": "true"}
    with pytest.raises(httpx.TransportError):
        httpx.put(f"{api_address}/upload", params=parameters, content=LARGE, timeout=30, trust_env=False)
    for (upload_id,) in rows(engine, "SELECT id FROM uploads"):
        finish("load", engine, loader, settings, upload_id)
        check("load", engine, upload_id, LARGE)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM uploads")) in (0, 1)
