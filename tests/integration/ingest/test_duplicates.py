"""Records that repeat a key: the first one of the file is loaded, the others are listed and counted."""

import uuid

import pytest
from sqlalchemy import Engine

from shared.catalog.write_mode import WriteMode
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.corrections import check_totals
from tests.integration.ingest.test_actions import stop_after
from tests.integration.ingest.test_loader import never, rows, upload
from tests.rows import GOOD_TITLE, TITLES_HEADER, titles

KEYS = ["tt0000001", "tt0000002", "tt0000001", "tt0000003", "tt0000002", "tt0000001"]
LINES = [(4, 2), (6, 3), (7, 2)]


def small() -> bytes:
    return titles(*({"tconst": key, "primaryTitle": f"T {line}"} for line, key in enumerate(KEYS, 2)))


def large() -> bytes:
    """Another record behind each, and 40 more in between, so that the keys are in several batches."""
    changes = [
        {"tconst": KEYS[line // 40] if line % 40 == 0 else f"tt1{line:06}", "primaryTitle": f"T {line + 2}"}
        for line in range(40 * len(KEYS))
    ]
    return titles(*changes)


def counts(engine: Engine, upload_id: uuid.UUID) -> tuple[int, int, int, int]:
    found = upload(engine, upload_id)
    return tuple(found[f"{name}_records"] for name in ("read", "loaded", "rejected", "duplicate"))


def duplicates(engine: Engine) -> list[tuple[int, int]]:
    return [tuple(row) for row in rows(engine, "SELECT line_number, first_line FROM duplicates ORDER BY 1")]


@pytest.mark.parametrize(
    ("content", "records", "lines"),
    [(small(), 6, LINES), (large(), 240, [(82, 2), (162, 42), (202, 2)])],
    ids=["small", "large"],
)
def test_the_first_record_of_a_key_is_loaded(
    engine: Engine, loader: Loader, intake: Intake, content: bytes, records: int, lines: list[tuple[int, int]]
) -> None:
    upload_id = intake(content, "title.basics.tsv")
    loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "completed"
    assert counts(engine, upload_id) == (records, records - 3, 0, 3)
    assert duplicates(engine) == lines
    found = rows(engine, "SELECT source_id, title FROM movies WHERE source_id IN ('tt0000001', 'tt0000002') ORDER BY 1")
    firsts = {line for _, line in lines}
    assert found == [("tt0000001", "T 2"), ("tt0000002", f"T {max(firsts)}")]
    check_totals(engine)
    undo(engine, REGISTRY, upload_id, "public")
    assert duplicates(engine) == []


def test_another_upload_may_have_the_same_keys(engine: Engine, loader: Loader, intake: Intake) -> None:
    for _ in range(2):
        loader.load(intake(small(), "title.basics.tsv", mode=WriteMode.APPEND), never)
    assert rows(engine, "SELECT count(*), count(DISTINCT source_id) FROM movies") == [(6, 3)]


def test_records_without_a_key_repeat_nothing(engine: Engine, loader: Loader, intake: Intake) -> None:
    upload_id = intake(b"title,year,id\r\nHeat,1995,\r\nHeat,1995,\r\nAlien,1979,7\r\nAliens,1986,7\r\n", "films.csv")
    loader.load(upload_id, never)
    assert counts(engine, upload_id) == (4, 3, 0, 1)
    assert duplicates(engine) == [(5, 4)]


def test_a_publication_that_ends_after_removing_duplicates_is_done_by_another(
    engine: Engine, loader: Loader, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = intake(large(), "title.basics.tsv")

    def end(point: str) -> None:
        if point == "publish.deduplicated":
            raise RuntimeError(point)

    monkeypatch.setattr("shared.ingest.publishing.large_upload.reach", end)
    with pytest.raises(RuntimeError):
        loader.load(upload_id, never)
    assert upload(engine, upload_id)["state"] == "loading"
    monkeypatch.undo()
    loader.load(upload_id, never)
    assert counts(engine, upload_id) == (240, 237, 0, 3)
    check_totals(engine)


def test_a_retry_counts_them_again(engine: Engine, loader: Loader, intake: Intake) -> None:
    upload_id = intake(large(), "title.basics.tsv")
    loader.load(upload_id, stop_after(2))
    cancel(engine, upload_id, "public")
    retry(engine, upload_id, "public")
    loader.load(upload_id, never)
    assert counts(engine, upload_id) == (240, 237, 0, 3)


def test_a_corrected_record_repeats_no_key_of_its_upload(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct
) -> None:
    bad = {"startYear": "99"}
    parent = intake(
        titles({}, {"tconst": "tt0000002", **bad}, {"tconst": "tt0000003", **bad}, {"tconst": "tt0000004", **bad}),
        "title.basics.tsv",
    )
    loader.load(parent, never)
    assert counts(engine, parent) == (4, 1, 3, 0)
    header = "\t".join(["_line", *TITLES_HEADER])
    records = [
        "\t".join([str(line), *((GOOD_TITLE | {"tconst": key})[name] for name in TITLES_HEADER)])
        for line, key in ((3, "tt0000001"), (4, "tt0000009"), (5, "tt0000009"))
    ]
    correction = correct(parent, "\n".join([header, *records, ""]).encode(), "rejects.tsv")
    loader.load(correction, never)
    assert counts(engine, correction) == (3, 1, 2, 0)
    assert counts(engine, parent) == (4, 2, 2, 0)
    codes = rows(
        engine, "SELECT r.code FROM rejects r JOIN uploads u ON number = upload_number WHERE corrects IS NOT NULL"
    )
    assert codes == [("duplicate_key",)] * 2
    check_totals(engine)
