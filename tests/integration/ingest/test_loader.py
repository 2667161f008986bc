"""Loading on a real Postgres: exactly once, all or nothing, reconciled record counts, for small and large uploads."""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.catalog.registry import Registry
from shared.csv.reading.records import Records
from shared.csv.sniffing.sniff import TextOptions
from shared.database.loader_connection import LoaderConnection
from shared.errors import LostLease
from shared.ingest.intake.file_intake import FileIntake
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.intake.registration import UploadOptions, register
from shared.ingest.loading.commits import commit_of
from shared.ingest.loading.loader import Loader
from shared.ingest.publishing.large_upload import publish_large
from shared.ingest.validation.validate import Validated, validate
from shared.ingest.work import ClaimedBatch, Work, begin, claim_batch
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Intake
from tests.rows import file_of, movies, titles

SMALL = movies({}, {"title": ""}, {})
LARGE = movies(*[{"title": "" if row % 10 == 5 else f"Film {row}", "overview": "two\nlines"} for row in range(200)])


def rows(engine: Engine, sql: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(sql), values).all())


def upload(engine: Engine, upload_id: uuid.UUID) -> dict[str, Any]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM uploads WHERE id = :id"), {"id": upload_id})
        return dict(found.mappings().one())


def never() -> bool:
    return False


@pytest.fixture
def connection(settings: Settings) -> Iterator[LoaderConnection]:
    connection = LoaderConnection(settings)
    yield connection
    connection.close()


def read_records(loader: Loader, work: Work, batch: ClaimedBatch) -> Records:
    return loader._read(work, batch)


def begun(connection: LoaderConnection, upload_id: uuid.UUID) -> Work:
    work = begin(connection, upload_id, REGISTRY)
    assert work is not None
    return work


def validate_batch(work: Work, records: Records) -> Validated:
    return validate(records, work.applied_dataset, work.file_columns, work.destination, work.number)


def copy(connection: LoaderConnection, work: Work, records: Records) -> None:
    """The rows, without a fence."""
    connection.copy(work.destination.copy_to, validate_batch(work, records).rows)


def commit(connection: LoaderConnection, work: Work, batch: ClaimedBatch, records: Records) -> Validated:
    """Validate and commit as a loader does that has read the batch some time ago."""
    return commit_of(work).load(connection, batch, records)


@pytest.mark.parametrize(("content", "records", "rejected"), [(SMALL, 3, 1), (LARGE, 200, 20)], ids=["small", "large"])
def test_every_record_is_accounted_for(
    engine: Engine, loader: Loader, intake: Intake, content: bytes, records: int, rejected: int
) -> None:
    upload_id = intake(content)
    assert loader.load(upload_id, never) is False
    found = upload(engine, upload_id)
    assert found["state"] == "completed"
    assert (found["read_records"], found["rejected_records"]) == (records, rejected)
    assert found["loaded_records"] == records - rejected
    assert rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies") == [(records - rejected,) * 2]
    assert rows(engine, "SELECT count(*) FROM rejects") == [(rejected,)]
    assert rows(engine, "SELECT sum(row_count) FROM collection_totals WHERE breakdown = 'rows'") == [
        (records - rejected,)
    ]
    facets = {"release_year": 1995, "original_language": "en"}
    assert rows(engine, "SELECT tenant, facets FROM collection_totals WHERE breakdown = 'rows'") == [("public", facets)]


@pytest.mark.parametrize(
    "long", [b"x" + b"," * 15_000_000, b'"' + b"x" * 15_000_000], ids=["delimiters", "an open quote"]
)
def test_a_line_too_long_for_a_batch_is_one_reject(
    engine: Engine, settings: Settings, loader: Loader, long: bytes
) -> None:
    wide = settings.model_copy(update={"batch_bytes": 3_000_000, "small_upload_bytes": 0})
    intake = FileIntake(loader.storage, wide, "movies.csv", TextOptions(), UploadHeader(REGISTRY))
    content = SMALL + long + b"\r\n" + SMALL.split(b"\n", 1)[1]
    for start in range(0, len(content), 1_000_000):
        intake.feed(content[start : start + 1_000_000])
    with engine.begin() as connection:
        options = UploadOptions("public", Transport.CELERY, "test-trace")
        upload_id = register(connection, intake.finish(), options).upload_id
    loader.load(upload_id, never)
    found = upload(engine, upload_id)
    assert (found["state"], found["read_records"], found["rejected_records"]) == ("completed", 7, 3)
    assert rows(engine, "SELECT line_number FROM rejects ORDER BY 1") == [(3,), (5,), (7,)]
    assert rows(engine, "SELECT id % 256 FROM movies ORDER BY 1") == [(2,), (4,), (6,), (8,)]


def test_a_large_upload_has_a_partition_of_its_own_with_the_indexes(
    engine: Engine, loader: Loader, intake: Intake
) -> None:
    upload_id = intake(LARGE)
    loader.load(upload_id, never)
    table = f"movies_u{upload(engine, upload_id)['number']}"
    indexes = {name for (name,) in rows(engine, "SELECT indexname FROM pg_indexes WHERE tablename = :t", t=table)}
    assert indexes == {
        f"{table}_{name}"
        for name in (
            *("pkey", "key", "release", "vote", "language_release", "language_vote", "year_vote"),
            *("title", "votes", "runtime", "genres", "countries"),
        )
    }
    assert rows(engine, "SELECT relispartition FROM pg_class WHERE relname = :t", t=table) == [(True,)]


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_batches_of_earlier_versions_have_no_checksum_and_are_loaded(
    engine: Engine, loader: Loader, intake: Intake, content: bytes
) -> None:
    upload_id = intake(content)
    with engine.begin() as connection:
        connection.execute(text("UPDATE batches SET checksum = NULL"))
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_an_upload_whose_dataset_is_gone_is_failed(engine: Engine, settings: Settings, intake: Intake) -> None:
    upload_ids = [intake(SMALL), intake(LARGE)]
    others = Registry(dataset for dataset in REGISTRY if dataset.name != "movies")
    poor = Loader(settings, others, open_storage(settings))
    for upload_id in upload_ids:
        assert poor.load(upload_id, never) is False
        found = upload(engine, upload_id)
        assert (found["state"], found["error_code"]) == ("failed", "dataset_gone")
        assert "dataset movies" in found["error_message"]
    poor.close()
    assert rows(engine, "SELECT count(*), sum(attempts) FROM batches WHERE state = 'done' OR attempts > 0") == [
        (0, None)
    ]
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]


def test_lines_of_ids_are_lines_of_the_file(engine: Engine, loader: Loader, intake: Intake) -> None:
    loader.load(intake(LARGE), never)
    lines = LARGE.decode().split("\n")
    for line_number, title in rows(engine, "SELECT id & 4294967295, title FROM movies"):
        record = "\n".join(lines[line_number - 1 : line_number + 1])
        assert f",{title}," in record
        assert record.startswith("30000000.0,")


def test_every_type_arrives(engine: Engine, loader: Loader, intake: Intake) -> None:
    loader.load(intake(movies({"overview": 'Naïve "quotes"', "languages": "['English', '日本語']"})), never)
    loader.load(intake(titles({"endYear": "1899"}), "titles.tsv"), never)
    first, second = (dict(row._mapping) for row in rows(engine, "SELECT * FROM movies ORDER BY id"))
    assert first["overview"] == 'Naïve "quotes"'
    assert first["languages"] == ["English", "日本語"]
    assert (first["budget"], first["vote_average"], first["runtime"]) == (30_000_000, 7.7, 81)
    assert str(first["release_date"]) == "1995-10-30"
    assert (second["source_id"], second["is_adult"], second["end_year"]) == ("tt0000001", False, 1899)
    assert second["genres"] == ["Documentary", "Short"]


def test_loading_twice_changes_nothing(engine: Engine, loader: Loader, intake: Intake) -> None:
    upload_id = intake(LARGE)
    loader.load(upload_id, never)
    before = upload(engine, upload_id)
    loader.load(upload_id, never)
    assert upload(engine, upload_id) == before
    assert rows(engine, "SELECT count(*) FROM movies") == [(180,)]


def test_four_loaders_at_once_load_once(engine: Engine, settings: Settings, intake: Intake) -> None:
    upload_ids = [intake(LARGE), intake(SMALL), intake(LARGE)]

    def run() -> None:
        loader = Loader(settings, REGISTRY, open_storage(settings))
        for upload_id in upload_ids:
            loader.load(upload_id, never)
        loader.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {upload(engine, upload_id)["state"] for upload_id in upload_ids} == {"completed"}
    assert rows(engine, "SELECT count(*), count(DISTINCT id) FROM movies") == [(362, 362)]
    assert rows(engine, "SELECT sum(row_count) FROM collection_totals WHERE breakdown = 'rows'") == [(362,)]


def test_nothing_is_visible_before_all_is(engine: Engine, loader: Loader, intake: Intake) -> None:
    upload_id = intake(LARGE)
    visible: list[int] = []

    def stop_after_each_batch() -> bool:
        visible.append(rows(engine, "SELECT count(*) FROM movies")[0][0])
        return len(visible) % 4 == 0

    while upload(engine, upload_id)["state"] != "completed":
        loader.load(upload_id, stop_after_each_batch)
    assert len(visible) > 20
    assert set(visible) == {0}
    assert rows(engine, "SELECT count(*) FROM movies") == [(180,)]


def test_a_loader_whose_lease_was_taken_cannot_commit(
    engine: Engine, loader: Loader, intake: Intake, settings: Settings, connection: LoaderConnection
) -> None:
    for content in (LARGE, SMALL):
        upload_id = intake(content)
        work = begun(connection, upload_id)
        paused = claim_batch(connection, work, lease_seconds=0, max_attempts=3)
        assert paused is not None
        records = read_records(loader, work, paused)
        assert claim_batch(connection, work, settings.lease_seconds, max_attempts=3) is not None
        with pytest.raises(LostLease):
            commit(connection, work, paused, records)
        assert rows(engine, f"SELECT count(*) FROM {work.destination.copy_to}") == [(0,)]
        assert rows(engine, "SELECT count(*) FROM rejects") == [(0,)]
        assert upload(engine, upload_id)["attempts"] == 2


def test_a_slow_loader_keeps_its_batch(
    engine: Engine,
    intake: Intake,
    settings: Settings,
    connection: LoaderConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload_id = intake(SMALL)
    slow = Loader(settings.model_copy(update={"lease_seconds": 0.5}), REGISTRY, open_storage(settings))
    work = begun(connection, upload_id)
    seen: list[ClaimedBatch | None] = []

    def look(point: str) -> None:
        if point == "batch.prepared":
            time.sleep(2)
            seen.append(claim_batch(connection, work, 60, 3))

    monkeypatch.setattr("shared.ingest.loading.commits.reach", look)
    slow.load(upload_id, never)
    slow.close()
    assert seen == [None]
    assert upload(engine, upload_id)["state"] == "completed"


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_crash_of_the_database_is_not_the_batchs(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    upload_id = intake(content)

    def end_sessions(point: str) -> None:
        if point == "batch.copied":
            rows(
                engine,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
                " AND datname = current_database()",
                name="ingest-loader",
            )

    monkeypatch.setattr("shared.ingest.loading.commits.reach", end_sessions)
    loader.load(upload_id, never)
    assert rows(engine, "SELECT DISTINCT attempts, lease_until FROM batches WHERE state = 'pending'") == [(0, None)]
    monkeypatch.undo()
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_loader_that_hangs_in_its_copy_does_not_hold_up_the_next(
    engine: Engine, loader: Loader, intake: Intake, connection: LoaderConnection, content: bytes
) -> None:
    upload_id = intake(content)
    connection.execute("SET idle_in_transaction_session_timeout = 0")  # as in a COPY, to which it does not apply
    work = begun(connection, upload_id)
    batch = claim_batch(connection, work, lease_seconds=0, max_attempts=3)
    assert batch is not None
    copy(connection, work, read_records(loader, work, batch))
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"


def test_a_batch_that_is_done_is_not_done_again(
    loader: Loader, intake: Intake, settings: Settings, connection: LoaderConnection
) -> None:
    work = begun(connection, intake(LARGE))
    batch = claim_batch(connection, work, settings.lease_seconds, 3)
    assert batch is not None
    records = read_records(loader, work, batch)
    commit(connection, work, batch, records)
    with pytest.raises(LostLease):
        commit(connection, work, batch, records)


def test_nobody_publishes_while_a_batch_is_pending(
    intake: Intake, engine: Engine, loader: Loader, settings: Settings, connection: LoaderConnection
) -> None:
    upload_id = intake(LARGE)
    work = begun(connection, upload_id)
    assert publish_large(loader.pool, settings, work) is False
    assert upload(engine, upload_id)["state"] == "loading"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM rejects WHERE line_number = (SELECT min(line_number) FROM rejects)",
        "DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table})",
        "DELETE FROM batches WHERE number = 3",
        "UPDATE batches SET byte_end = byte_end - 1 WHERE number = 3",
        "UPDATE batches SET first_line = first_line + 1 WHERE number = 3",
        "UPDATE uploads SET content_bytes = content_bytes + 1",
    ],
)
def test_what_cannot_be_proven_is_failed(engine: Engine, loader: Loader, intake: Intake, change: str) -> None:
    upload_id = intake(LARGE)
    batches = rows(engine, "SELECT count(*) FROM batches")[0][0]
    wraps = iter(range(1000))
    assert loader.load(upload_id, lambda: next(wraps) > batches) is True
    with engine.begin() as connection:
        table = f"movies_u{upload(engine, upload_id)['number']}"
        connection.execute(text(change.format(table=table)))
    loader.load(upload_id, never)
    found = upload(engine, upload_id)
    assert (found["state"], found["error_code"]) == ("failed", "record_counts_mismatch")
    assert rows(engine, "SELECT count(*) FROM movies") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM collection_totals") == [(0,)]


@pytest.mark.parametrize("records", [2, 200], ids=["small", "large"])
def test_the_longest_text_of_a_key_fits_its_index(engine: Engine, loader: Loader, intake: Intake, records: int) -> None:
    letters = random.Random(1)  # noqa: S311  an index compresses texts that are regular
    tags = ("".join(chr(letters.randint(0x20000, 0x2A6DF)) for _ in range(500)) for _ in range(records))
    changes = [{"userId": "9" * 20, "movieId": "9" * 20, "tag": tag} for tag in tags]
    upload_id = intake(file_of("movielens_tags", *changes, {"tag": "x" * 501}), "tags.csv")
    loader.load(upload_id, never)
    found = upload(engine, upload_id)
    assert (found["state"], found["loaded_records"], found["rejected_records"]) == ("completed", records, 1)


@pytest.mark.parametrize("rows_before", [0, 200], ids=["small", "large"])
def test_a_value_that_no_index_can_hold_is_rejected(
    engine: Engine, loader: Loader, intake: Intake, rows_before: int
) -> None:
    """Of a list each value; in a language that nothing can compress."""
    chance = random.Random(7)  # noqa: S311  noise, not a secret
    noise = "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(900))
    good = [{"id": f"{number}", "genres": "Drama"} for number in range(rows_before)]
    long = [{"id": "1000", "genres": f"Drama, {noise}"}, {"id": "1001", "genres": noise[:600]}]
    upload_id = intake(file_of("tmdb_movies", *good, *long), "tmdb.csv")
    loader.load(upload_id, never)
    found = upload(engine, upload_id)
    assert (found["state"], found["loaded_records"], found["rejected_records"]) == ("completed", rows_before + 1, 1)
    assert rows(engine, "SELECT column_name, code FROM rejects") == [("genres", "too_long_for_index")]
