"""A pull makes one upload of a file, or says why not; whatever the server does, nothing is left by halves."""

import gzip
import hashlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.database.engine import PlainSql
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.pulling.claims import MOST_ATTEMPTS, claim
from shared.ingest.pulling.pulling import Pulling
from shared.ingest.pulling.schedule import pull_due
from shared.messaging import Transport
from shared.settings import MIB, Settings
from tests.conftest import REGISTRY, ROOT
from tests.file_server import FileServer, Handler, certificate
from tests.integration.ingest.test_loader import never, rows
from tests.integration.pulling.conftest import Pulls
from tests.rows import movies

MOVIES = movies({}, {"title": "Other"})
UPLOADS = "SELECT id, state, filename, sha256, size_bytes, transport FROM uploads ORDER BY number"


def test_a_file_at_an_address_is_loaded(pulls: Pulls, files: FileServer, engine: Engine, loader: Loader) -> None:
    pull = pulls.ask(files.file("/movies.csv", MOVIES))
    assert pulls.carry_out()
    [upload] = rows(engine, UPLOADS)
    assert (upload.filename, upload.sha256, upload.size_bytes) == (
        *("movies.csv", hashlib.sha256(MOVIES).hexdigest()),
        len(MOVIES),
    )
    assert pulls.notified == [upload.id]
    row = pulls.row(pull)
    assert (row.state, row.upload_id, row.size_bytes, row.attempts) == ("fetched", upload.id, len(MOVIES), 1)
    loader.load(upload.id, never)
    assert rows(engine, "SELECT state, loaded_records FROM uploads") == [("completed", 2)]
    assert not pulls.carry_out()


@pytest.mark.parametrize("headers", [{"Content_Type": "application/gzip"}, {"Content_Encoding": "gzip"}])
def test_a_compressed_file_is_unpacked_once(
    pulls: Pulls, files: FileServer, engine: Engine, headers: dict[str, str]
) -> None:
    packed = gzip.compress(MOVIES)
    address = files.file("/movies.csv.gz", packed, **headers)
    assert pulls.outcome(address, "movies.csv.gz") == ("fetched", None)
    [(sha256, content_bytes)] = rows(engine, "SELECT sha256, content_bytes FROM uploads")
    assert (sha256, content_bytes) == (hashlib.sha256(packed).hexdigest(), len(MOVIES))
    assert files.asked[0][1]["Accept-Encoding"] == "identity"


def test_what_has_not_changed_is_not_sent_again(
    pulls: Pulls, files: FileServer, engine: Engine, loader: Loader
) -> None:
    date = "Sat, 28 Nov 2026 10:00:00 GMT"
    source = pulls.source(files.file("/movies.csv", MOVIES, ETag='"v1"', Last_Modified=date))
    address = files.address("/movies.csv")
    assert pulls.outcome(address, source=source) == ("fetched", None)
    [upload] = rows(engine, UPLOADS)
    loader.load(upload.id, never)
    again = pulls.ask(address, source=source)
    assert pulls.carry_out()
    row = pulls.row(again)
    assert (row.state, row.upload_id, row.size_bytes) == ("unchanged", upload.id, 0)
    sent = files.asked[-1][1]
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == ('"v1"', date)

    assert pulls.outcome(address, source=source, force=True) == ("fetched", None)
    assert "If-None-Match" not in files.asked[-1][1]
    for number, known in enumerate(rows(engine, UPLOADS)):
        if number:
            loader.load(known.id, never)
        undo(engine, REGISTRY, known.id, "public")
    # what is there no more is loaded again, although the server has nothing new
    assert pulls.outcome(address, source=source) == ("fetched", None)
    assert len(rows(engine, UPLOADS)) == 3


def test_a_changed_file_is_loaded_and_its_tag_kept(pulls: Pulls, files: FileServer, engine: Engine) -> None:
    source = pulls.source(address := files.file("/movies.csv", MOVIES, ETag='"v1"'))
    assert pulls.outcome(address, source=source) == ("fetched", None)
    files.file("/movies.csv", movies({"title": "New"}), ETag='"v2"')
    assert pulls.outcome(address, source=source) == ("fetched", None)
    assert rows(engine, "SELECT etag FROM sources") == [('"v2"',)]


def test_the_same_bytes_are_not_loaded_twice(pulls: Pulls, files: FileServer, engine: Engine) -> None:
    """Also of a server that gives no tags; and the second copy is not kept."""
    source = pulls.source(address := files.file("/movies.csv", MOVIES))
    assert pulls.outcome(address, source=source) == ("fetched", None)
    again = pulls.ask(address, source=source)
    assert pulls.carry_out()
    [upload] = rows(engine, UPLOADS)
    assert (pulls.row(again).state, pulls.row(again).upload_id) == ("unchanged", upload.id)
    assert (len(pulls.stored), len(pulls.notified)) == (1, 1)


def test_redirects_are_followed(pulls: Pulls, files: FileServer) -> None:
    files.file("/movies.csv", MOVIES)
    for number in range(5):
        files.redirect(f"/{number}", f"/{number + 1}" if number < 4 else files.address("/movies.csv"), 301 + number % 2)
    assert pulls.outcome(files.address("/0")) == ("fetched", None)
    files.redirect("/more", "/0")
    assert pulls.outcome(files.address("/more")) == ("failed", "fetch_refused")


@pytest.mark.parametrize(
    "location", ["https://evil.example/movies.csv", "http://127.0.0.1/", "//169.254.169.254/", "https://localhost:1/"]
)
def test_a_redirect_leads_nowhere_that_the_first_address_could_not(
    pulls: Pulls, files: FileServer, location: str
) -> None:
    address = files.redirect("/movies.csv", location)
    assert pulls.outcome(address) == ("failed", "address_forbidden")


def test_a_redirect_from_tls_to_none_is_refused(pull_settings: Settings, engine: Engine, files: FileServer) -> None:
    ports = f"{files.port} 80"
    pulls = Pulls(engine, Settings(**pull_settings.model_dump() | {"pull_plain_http": False, "pull_ports": ports}))
    assert pulls.outcome(files.redirect("/movies.csv", "http://localhost/")) == ("failed", "address_forbidden")


def test_a_private_network_is_not_asked(pull_settings: Settings, engine: Engine, files: FileServer) -> None:
    pulls = Pulls(engine, Settings(**pull_settings.model_dump() | {"pull_networks": ""}))
    assert pulls.outcome(files.file("/movies.csv", MOVIES)) == ("failed", "address_forbidden")
    assert not files.asked


def test_a_name_that_moves_gains_nothing(pull_settings: Settings, engine: Engine, plain: FileServer) -> None:
    """DNS rebinding: the first answer may be asked, the next one may not."""
    settings = Settings(**pull_settings.model_dump() | {"pull_networks": "127.0.0.1"})
    pulls = Pulls(engine, settings)
    answers = itertools.chain(["127.0.0.1"], itertools.repeat("127.0.0.2"))
    resolved: list[str] = []

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        resolved.append(next(answers))
        return [(2, 1, 6, "", (resolved[-1], port))]

    plain.file("/movies.csv", MOVIES)
    pull = pulls.ask(plain.address("/movies.csv", "moving.localhost"))
    # one connection, one answer: what was checked is what is connected to
    assert pulls.carry_out(resolve=resolve)
    assert (pulls.row(pull).state, resolved) == ("fetched", ["127.0.0.1"])
    pull = pulls.ask(plain.address("/movies.csv", "moving.localhost"), force=True)
    assert pulls.carry_out(resolve=resolve)
    assert (pulls.row(pull).error_code, len(plain.asked)) == ("address_forbidden", 1)


def test_each_redirect_is_resolved_and_checked_anew(pull_settings: Settings, engine: Engine, plain: FileServer) -> None:
    pulls = Pulls(engine, Settings(**pull_settings.model_dump() | {"pull_networks": "127.0.0.1"}))
    plain.file("/movies.csv", MOVIES)
    plain.redirect("/to", plain.address("/movies.csv", "inner.localhost"))
    where = {"outer.localhost": "127.0.0.1", "inner.localhost": "127.0.0.3"}
    pull = pulls.ask(plain.address("/to", "outer.localhost"))
    assert pulls.carry_out(resolve=lambda host, port, **_: [(2, 1, 6, "", (where[host], port))])
    assert pulls.row(pull).error_code == "address_forbidden"
    assert [path for path, _ in plain.asked] == ["/to"]


def test_a_certificate_of_another_host_is_not_trusted(pulls: Pulls, files: FileServer) -> None:
    files.file("/movies.csv", MOVIES)
    pull = pulls.ask(files.address("/movies.csv", "other.localhost"))
    assert pulls.carry_out(resolve=lambda _host, port, **_: [(2, 1, 6, "", ("127.0.0.1", port))])
    row = pulls.row(pull)
    assert (row.state, row.error_code) == ("waiting", "fetch_failed")
    assert "certificate" in row.error_message
    assert not files.asked


def test_a_certificate_of_nobody_is_not_trusted(
    pulls: Pulls, files: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate("elsewhere", tmp_path)))
    assert pulls.outcome(files.file("/movies.csv", MOVIES)) == ("waiting", "fetch_failed")
    assert not files.asked


def test_no_proxy_of_the_environment_is_used(
    pulls: Pulls, files: FileServer, plain: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, plain.address(""))
    assert pulls.outcome(files.file("/movies.csv", MOVIES)) == ("fetched", None)
    assert not plain.asked


def cut(handler: Handler) -> None:
    handler.send(200, MOVIES[:200], Content_Length=str(len(MOVIES)))


def endless_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        handler.wfile.write(b"X-More: x\r\n")
        time.sleep(0.1)


def dripping(handler: Handler) -> None:
    handler.send(200, MOVIES[:100], Content_Length=str(len(MOVIES)))
    for position in range(100, len(MOVIES)):
        handler.wfile.write(MOVIES[position : position + 1])
        time.sleep(0.1)


def silent(handler: Handler) -> None:
    handler.send(200, MOVIES[:100], Content_Length=str(len(MOVIES)))
    time.sleep(3)


@pytest.mark.parametrize("answer", [cut, endless_head, dripping, silent, lambda handler: handler.wfile.write(b"?\r\n")])
def test_a_fetch_that_breaks_leaves_nothing_and_is_tried_again(
    pulls: Pulls, plain: FileServer, engine: Engine, answer: Callable[[Handler], None]
) -> None:
    begun = time.monotonic()
    pull = pulls.ask(plain.answer("/movies.csv", answer))
    assert pulls.carry_out()
    assert (pulls.row(pull).state, pulls.row(pull).error_code) == ("waiting", "fetch_failed")
    assert time.monotonic() - begun < 5
    assert (pulls.stored, rows(engine, UPLOADS)) == ([], [])
    plain.file("/movies.csv", MOVIES)
    time.sleep(0.05)
    assert pulls.carry_out()
    row = pulls.row(pull)
    assert (row.state, row.attempts, row.error_code) == ("fetched", 2, None)


def chunked(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = (MOVIES.splitlines(keepends=True)[0] + 1000 * MOVIES.splitlines(keepends=True)[1])[:60_000]
    for _ in range(3):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(MOVIES)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda handler: handler.send(200, b"", Content_Length="100001"), "upload_too_large"),
        (chunked, "upload_too_large"),
        (endless, "fetch_refused"),
        (lambda handler: handler.send(404, b"no"), "fetch_refused"),
        (lambda handler: handler.send(403, b"no"), "fetch_refused"),
        (lambda handler: handler.send(206, MOVIES), "fetch_refused"),
        (lambda handler: handler.send(304), "fetch_refused"),
        (lambda handler: handler.send(302), "fetch_refused"),
        (lambda handler: handler.send(200, b"no,header\n1,2\n"), "header_mismatch"),
        (lambda handler: handler.send(200, b"PK\x03\x04"), "unsupported_file"),
    ],
)
def test_what_cannot_be_loaded_is_fetched_once(
    pulls: Pulls, plain: FileServer, engine: Engine, answer: Callable[[Handler], None], code: str
) -> None:
    assert pulls.outcome(plain.answer("/movies.csv", answer)) == ("failed", code)
    assert (pulls.stored, rows(engine, UPLOADS)) == ([], [])


def test_attempts_have_pauses_and_an_end(pull_settings: Settings, plain: FileServer, engine: Engine) -> None:
    pulls = Pulls(engine, Settings(**pull_settings.model_dump() | {"pull_retry_seconds": 60}))
    pull = pulls.ask(plain.answer("/movies.csv", lambda handler: handler.send(503)))
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert pulls.row(pull).state == "waiting"
        assert pulls.carry_out()
        assert not pulls.carry_out() or attempt == MOST_ATTEMPTS
        with engine.begin() as connection:
            connection.execute(text("UPDATE pulls SET next_attempt_at = clock_timestamp()"))
    row = pulls.row(pull)
    assert (row.state, row.attempts, len(plain.asked)) == ("failed", MOST_ATTEMPTS, MOST_ATTEMPTS)


def test_a_pull_that_ends_its_processes_fails(pulls: Pulls, engine: Engine) -> None:
    pull = pulls.ask("https://localhost/movies.csv")
    for _ in range(MOST_ATTEMPTS):
        with engine.begin() as connection:
            assert claim(PlainSql(connection), list(Transport), 60) is not None
            connection.execute(text("UPDATE pulls SET lease_until = clock_timestamp()"))
    assert not pulls.carry_out()
    assert (pulls.row(pull).state, pulls.row(pull).error_code) == ("failed", "attempts_exhausted")


def test_two_processes_with_the_same_pull_make_one_upload(pulls: Pulls, files: FileServer, engine: Engine) -> None:
    """The first one is paused until its lease has ended, and comes back when the other one is done."""
    pull = pulls.ask(files.file("/movies.csv", MOVIES), force=True)
    with engine.begin() as connection:
        paused = claim(PlainSql(connection), list(Transport), 60)
        assert claim(PlainSql(connection), list(Transport), 60) is None
        connection.execute(text("UPDATE pulls SET lease_until = clock_timestamp()"))
    assert paused is not None
    assert pulls.carry_out()
    Pulling(engine, REGISTRY, pulls.storage, pulls.settings, pulls.notify).carry_out(paused)
    [upload] = rows(engine, UPLOADS)
    assert (pulls.row(pull).upload_id, pulls.notified) == (upload.id, [upload.id])
    assert len(pulls.stored) == 1


def test_a_process_that_stops_gives_its_pull_back(pulls: Pulls, files: FileServer) -> None:
    pull = pulls.ask(files.file("/movies.csv", MOVIES))
    assert pulls.carry_out(should_stop=lambda: True)
    row = pulls.row(pull)
    assert (row.state, row.attempts, row.lease_until, pulls.stored) == ("waiting", 0, None, [])
    assert pulls.carry_out()
    assert pulls.row(pull).state == "fetched"


CHILD = """
import sys
from shared.database.engine import PlainSql, create_sync_engine
from shared.ingest.pulling.claims import claim
from shared.ingest.pulling.pulling import Pulling
from shared.messaging import Transport
from shared.catalog.registry import Registry
from shared import logs
from shared.settings import Settings
from shared.storage.opening import open_storage
settings = Settings()
logs.configure(settings, "child")
engine = create_sync_engine(settings, "child")
with engine.begin() as connection:
    pull = claim(PlainSql(connection), list(Transport), settings.lease_seconds)
Pulling(engine, Registry.built_in(), open_storage(settings), settings, lambda *_: True).carry_out(pull)
"""


def test_a_file_that_exceeds_the_quota_is_not_fetched_to_its_end(
    pull_settings: Settings, engine: Engine, plain: FileServer
) -> None:
    """Without Redis, too: then this process counts by itself."""
    day, whole = 10 * MIB, 400 * MIB
    limits = {"require_keys": True, "tenant_upload_bytes_per_day": day, "redis_url": "redis://127.0.0.1:1/0"}
    pulls = Pulls(engine, Settings(**pull_settings.model_dump() | limits | {"max_upload_bytes": 2 * whole}))
    sent = 0

    def endless(handler: Handler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        line = b"1" * (MIB - 1) + b"\n"
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(MOVIES), MOVIES))
        while sent < whole:
            handler.wfile.write(b"%x\r\n%s\r\n" % (MIB, line))
            sent += MIB

    assert pulls.outcome(plain.answer("/endless.csv", endless)) == ("failed", "upload_too_large")
    assert day <= sent < whole // 2
    assert (pulls.stored, rows(engine, UPLOADS)) == ([], [])


def child_settings(settings: Settings, server: FileServer) -> dict[str, str]:
    """The environment of a process that pulls from the server."""
    return os.environ | {
        "DATABASE_URL": settings.database_url,
        "INGEST_DATA_DIR": str(settings.data_dir),
        "INGEST_LEASE_SECONDS": "1",
        "INGEST_PULL_HOSTS": "localhost",
        "INGEST_PULL_NETWORKS": "127.0.0.0/8 ::1",
        "INGEST_PULL_PLAIN_HTTP": "true",
        "INGEST_PULL_PORTS": str(server.port),
        "INGEST_LOG_LEVEL": "DEBUG",
    }


def test_no_log_tells_an_address_or_what_its_server_said(pulls: Pulls, plain: FileServer) -> None:
    """Addresses may have a secret in their query."""
    secret = "canary7261"
    address = plain.answer("/movies.csv", lambda handler: handler.send(200, MOVIES, Set_Cookie=secret))
    pull = pulls.ask(f"{address}?token={secret}")
    variables = child_settings(pulls.settings, plain)
    told = subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, env=variables, capture_output=True, check=True)
    assert pulls.row(pull).state == "fetched"
    output = (told.stdout + told.stderr).decode()
    assert str(pull) in output
    assert secret not in output


def test_a_process_that_is_killed_leaves_no_half_upload(pulls: Pulls, plain: FileServer, engine: Engine) -> None:
    half_sent = threading.Event()

    def half(handler: Handler) -> None:
        handler.send(200, MOVIES[:200], Content_Length=str(len(MOVIES)))
        half_sent.set()
        time.sleep(5)

    pull = pulls.ask(plain.answer("/movies.csv", half))
    child = subprocess.Popen([sys.executable, "-c", CHILD], cwd=ROOT, env=child_settings(pulls.settings, plain))
    assert half_sent.wait(30)
    time.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert (pulls.row(pull).state, rows(engine, UPLOADS)) == ("waiting", [])

    plain.file("/movies.csv", MOVIES)
    ends_at = time.monotonic() + 10
    while not pulls.carry_out():
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    row = pulls.row(pull)
    assert (row.state, row.attempts, len(rows(engine, UPLOADS))) == ("fetched", 2, 1)


def scheduled(pulls: Pulls, minutes: int, ago: str) -> uuid.UUID:
    source = pulls.source("https://localhost/movies.csv")
    with pulls.engine.begin() as connection:
        moment = text(
            "UPDATE sources SET every_minutes = :minutes, next_run_at = clock_timestamp() - CAST(:ago AS interval)"
        )
        connection.execute(moment, {"minutes": minutes, "ago": ago})
    return source


def test_a_source_that_is_due_is_pulled_once_whoever_looks(pulls: Pulls, engine: Engine) -> None:
    source = scheduled(pulls, 60, "150 minutes")
    threads = [threading.Thread(target=pull_due, args=(engine,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(engine, "SELECT source, state FROM pulls") == [(source, "waiting")]
    # the next moment is one of the same series, and in the future
    [(minutes,)] = rows(
        engine, "SELECT round(extract(epoch FROM next_run_at - clock_timestamp()) / 60)::int FROM sources"
    )
    assert minutes == 30


def test_a_pull_that_still_waits_stands_for_the_next_one(pulls: Pulls, engine: Engine) -> None:
    scheduled(pulls, 60, "1 minute")
    assert pull_due(engine) == 1
    with engine.begin() as connection:
        connection.execute(text("UPDATE sources SET next_run_at = clock_timestamp() - interval '1 second'"))
    assert pull_due(engine) == 0
    assert rows(engine, "SELECT count(*), bool_and(next_run_at > now()) FROM pulls, sources") == [(1, True)]


def test_a_source_without_a_schedule_is_never_due(pulls: Pulls, engine: Engine) -> None:
    pulls.source("https://localhost/movies.csv")
    assert pull_due(engine) == 0


def test_another_address_of_the_source_forgets_what_was_fetched(
    pulls: Pulls, files: FileServer, engine: Engine
) -> None:
    """While the file of the former address comes, somebody names another one."""
    source = pulls.source(address := files.file("/movies.csv", MOVIES, ETag='"v1"'))
    pulls.ask(address, source=source)
    with engine.begin() as connection:
        connection.execute(text("UPDATE sources SET address = 'https://localhost/other.csv'"))
    assert pulls.carry_out()
    assert rows(engine, "SELECT etag, upload_id FROM sources") == [(None, None)]


def test_a_source_that_is_deleted_takes_its_pulls_along(pulls: Pulls, files: FileServer, engine: Engine) -> None:
    source = pulls.source(address := files.file("/movies.csv", MOVIES))
    pulls.ask(address, source=source)
    with engine.begin() as connection:
        claimed = claim(PlainSql(connection), list(Transport), 60)
        connection.execute(text("DELETE FROM sources"))
    assert claimed is not None
    Pulling(engine, REGISTRY, pulls.storage, pulls.settings, pulls.notify).carry_out(claimed)
    assert (rows(engine, UPLOADS), pulls.stored, pulls.notified) == ([], [], [])


def test_the_history_of_pulls_ends_with_that_of_rejects(pulls: Pulls, engine: Engine) -> None:
    old, young, waiting = (pulls.ask("https://localhost/movies.csv") for _ in range(3))
    ended = text("UPDATE pulls SET state = 'failed', ended_at = now() - make_interval(days => :days) WHERE id = :id")
    with engine.begin() as connection:
        connection.execute(ended, [{"id": old, "days": 366}, {"id": young, "days": 364}])
    apply_retention(engine, pulls.storage, pulls.settings)
    assert {pull for (pull,) in rows(engine, "SELECT id FROM pulls")} == {young, waiting}
