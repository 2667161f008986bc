"""Rejected records come back corrected, on a real Postgres: exactly once, all or nothing, with reconciled counts."""

import csv
import io
import threading
import uuid
from collections.abc import Iterable

import pytest
from sqlalchemy import Engine

from shared.csv.unreadable import HeaderMismatch
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.corrections import check_totals, corrected_movies, counts, reasons, rejected_lines
from tests.integration.ingest.test_loader import SMALL, never, rows, upload
from tests.rows import GOOD_MOVIE, GOOD_TITLE, MOVIES_HEADER, TITLES_HEADER, titles

_OF_2001 = """
SELECT facets ->> 'original_language', row_count FROM collection_totals
WHERE breakdown = 'rows' AND facets ->> 'release_year' = '2001'
"""


def test_record_counts_are_reconciled_and_rows_have_the_ids_of_their_lines(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    read, _, rejected = counts(engine, parent)
    lines = rejected_lines(engine, parent)
    assert len(lines) == rejected > 0
    correction = correct(parent, corrected_movies(*lines, release_date="2001-02-03", original_language="fr"))
    loader.load(correction, never)
    assert upload(engine, correction)["state"] == "completed"
    assert counts(engine, correction) == (rejected, rejected, 0)
    assert counts(engine, parent) == (read, read, 0)
    assert rejected_lines(engine, parent) == []
    base = upload(engine, parent)["first_id"]
    found = rows(engine, "SELECT id, title FROM movies WHERE title LIKE 'Corrected%' ORDER BY id")
    assert [(id_, title) for id_, title in found] == [(base + line, f"Corrected {line}") for line in lines]
    counted = rows(engine, _OF_2001)
    assert [(language, count) for language, count in counted] == [("fr", rejected)]
    assert rows(engine, "SELECT count(*) FROM movies") == [(read,)]
    check_totals(engine)
    events = rows(engine, "SELECT reason FROM upload_events WHERE event = 'corrected'")
    assert events == [(f"{rejected} rejected records were corrected by upload {correction}",)]


def test_what_is_still_bad_stays_rejected_in_both(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    read, loaded, rejected = counts(engine, parent)
    lines = rejected_lines(engine, parent)
    before = reasons(engine, parent)
    correction = correct(parent, corrected_movies(*lines, vote_average="11"))
    loader.load(correction, never)
    assert counts(engine, correction) == (rejected, 0, rejected)
    assert counts(engine, parent) == (read, loaded, rejected)
    assert reasons(engine, parent) == before
    assert {code for _, code in reasons(engine, correction)} == {"out_of_range"}
    assert rows(engine, "SELECT count(*) FROM upload_events WHERE event = 'corrected'") == [(0,)]
    check_totals(engine)


def test_lines_that_are_none_unknown_or_repeated_are_rejects_of_the_correction(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    read, loaded, rejected = counts(engine, parent)
    line = rejected_lines(engine, parent)[0]
    named = ["x", "", line, 2**40, -1, line, 1, f"{line + 1}.0", 0]
    correction = correct(parent, corrected_movies(*named))
    loader.load(correction, never)
    assert reasons(engine, correction) == [
        *((number, "not_a_reject") for number in (2, 3, 5, 6)),
        (7, "repeated_line"),
        *((number, "not_a_reject") for number in (8, 9, 10)),
    ]
    assert counts(engine, correction) == (len(named), 1, len(named) - 1)
    assert counts(engine, parent) == (read, loaded + 1, rejected - 1)
    spans = rows(engine, "SELECT byte_end - byte_start FROM rejects WHERE code = 'not_a_reject'")
    assert all(length > 50 for (length,) in spans)
    check_totals(engine)


def test_records_that_are_none_and_lines_of_any_length(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    header = corrected_movies()
    malformed = correct(parent, header + b"2,too,few\r\n3,too,few\r\n")
    long = correct(parent, corrected_movies("9" * 100_000))
    for correction in (malformed, long):
        loader.load(correction, never)
        assert upload(engine, correction)["state"] == "completed"
    assert reasons(engine, malformed) == [(2, "wrong_field_count"), (3, "wrong_field_count")]
    assert reasons(engine, long) == [(2, "not_a_reject")]
    longest = rows(engine, "SELECT max(length(value)) FROM rejects WHERE code = 'not_a_reject'")
    assert longest == [(1001,)]
    check_totals(engine)


def test_a_record_that_nobody_wants_has_that_one_reason(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    correction = correct(parent, corrected_movies(999_999, vote_average="11", budget="x"))
    loader.load(correction, never)
    assert reasons(engine, correction) == [(2, "not_a_reject")]


def test_the_same_correction_twice_loads_once(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    lines = rejected_lines(engine, parent)
    first, second = (correct(parent, corrected_movies(*lines)) for _ in range(2))
    assert first != second
    for correction in (first, second, first):
        loader.load(correction, never)
    assert counts(engine, first) == (len(lines), len(lines), 0)
    assert counts(engine, second) == (len(lines), 0, len(lines))
    assert {code for _, code in reasons(engine, second)} == {"not_a_reject"}
    check_totals(engine)


def test_two_at_once_share_the_lines(engine: Engine, settings: Settings, correct: Correct, parent: uuid.UUID) -> None:
    read, _, _ = counts(engine, parent)
    lines = rejected_lines(engine, parent)
    corrections = [correct(parent, corrected_movies(*order)) for order in (lines, lines[::-1], lines)]
    loaders = [Loader(settings, REGISTRY, open_storage(settings)) for _ in corrections]
    threads = [
        threading.Thread(target=loader.load, args=(correction, never))
        for loader, correction in zip(loaders, corrections, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for loader in loaders:
        loader.close()
    assert {upload(engine, correction)["state"] for correction in corrections} == {"completed"}
    assert sum(counts(engine, correction)[1] for correction in corrections) == len(lines)
    assert counts(engine, parent) == (read, read, 0)
    check_totals(engine)


def test_a_header_needs_the_line_and_all_columns_of_the_corrected_file(correct: Correct, parent: uuid.UUID) -> None:
    with pytest.raises(HeaderMismatch, match="_line"):
        correct(parent, SMALL)
    with pytest.raises(HeaderMismatch, match="budget"):
        correct(parent, corrected_movies(3).replace(b",budget,", b",bugdet,"))
    with pytest.raises(HeaderMismatch, match="twice: _line"):
        correct(parent, corrected_movies(3).replace(b"_hint,", b"_line,"))


def test_columns_may_stand_in_any_order_and_ours_do_not_get_into_extra(
    engine: Engine, loader: Loader, correct: Correct, parent: uuid.UUID
) -> None:
    line = rejected_lines(engine, parent)[0]
    header = ["code", "line", *reversed(MOVIES_HEADER), "_line", "_note"]
    cells = ["a", "b", *(GOOD_MOVIE[name] for name in reversed(MOVIES_HEADER)), str(line), "c"]
    output = io.StringIO(newline="")
    csv.writer(output).writerows([header, cells])
    loader.load(correct(parent, output.getvalue().encode()), never)
    found = rows(engine, "SELECT id, title, extra FROM movies WHERE extra IS NOT NULL")
    base = upload(engine, parent)["first_id"]
    assert [tuple(row) for row in found] == [(base + line, "A Film", {"code": "a", "line": "b", "_note": "c"})]


def test_titles_without_quoting(engine: Engine, loader: Loader, intake: Intake, correct: Correct) -> None:
    parent = intake(titles({}, {"isAdult": "yes", "primaryTitle": 'A "quoted'}, {"startYear": "99"}), "titles.tsv")
    loader.load(parent, never)
    assert counts(engine, parent) == (3, 1, 2)
    records = [["_line", *TITLES_HEADER]]
    for line, title in ((3, 'A "quoted'), (4, "B")):
        row = GOOD_TITLE | {"tconst": f"tt{line - 1:07}", "primaryTitle": title}
        records.append([str(line), *(row[name] for name in TITLES_HEADER)])
    content = "".join("\t".join(record) + "\n" for record in records).encode()
    loader.load(correct(parent, content, "rejects.tsv"), never)
    assert counts(engine, parent) == (3, 3, 0)
    found = rows(engine, "SELECT id % 16777216, title FROM movies ORDER BY 1")
    assert [tuple(row) for row in found] == [(2, "Carmencita"), (3, 'A "quoted'), (4, "B")]
    check_totals(engine)


def test_a_correction_does_not_stand_for_the_same_file_sent_as_an_upload(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct, parent: uuid.UUID
) -> None:
    # a header with all of our columns is refused as an upload
    content = corrected_movies(*rejected_lines(engine, parent)).replace(b"_hint,", b"note,", 1)
    correction = correct(parent, content)
    loader.load(correction, never)
    other = intake(content, forced=False)
    assert other != correction
    again: Iterable[uuid.UUID] = [intake(content, forced=False), correct(parent, content)]
    assert other in again
    assert correction not in again
