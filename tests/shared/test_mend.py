"""Rejected records come back mended, on a real Postgres: exactly once, all of it or nothing, and the account closes."""

import csv
import io
import threading
import uuid
from collections.abc import Iterable

import pytest
from sqlalchemy import Engine

from shared.database.partitions import first_id
from shared.errors import HeaderMismatch
from shared.ingest.load import Loader
from shared.settings import Settings
from tests.conftest import Accept, Mend
from tests.rows import GOOD_MOVIE, GOOD_TITLE, MOVIES_HEADER, TITLES_HEADER, titles
from tests.shared.mendings import account, check_totals, mended_movies, reasons, rejected_lines
from tests.shared.test_load import SMALL, never, rows, upload


def test_the_account_closes_and_rows_have_the_ids_of_their_lines(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, _, rejected = account(engine, parent)
    lines = rejected_lines(engine, parent)
    assert len(lines) == rejected > 0
    mending = mend(parent, mended_movies(*lines, release_date="2001-02-03", original_language="fr"))
    loader.load(mending, never)
    assert upload(engine, mending)["state"] == "completed"
    assert account(engine, mending) == (rejected, rejected, 0)
    assert account(engine, parent) == (read, read, 0)
    assert rejected_lines(engine, parent) == []
    base = first_id(upload(engine, parent)["number"])
    found = rows(engine, "SELECT id, title FROM movies WHERE title LIKE 'Mended%' ORDER BY id")
    assert [(id_, title) for id_, title in found] == [(base + line, f"Mended {line}") for line in lines]
    counted = rows(engine, "SELECT original_language, movies FROM movie_totals WHERE release_year = 2001")
    assert [(language, count) for language, count in counted] == [("fr", rejected)]
    assert rows(engine, "SELECT count(*) FROM movies") == [(read,)]
    check_totals(engine)
    events = rows(engine, "SELECT reason FROM upload_events WHERE event = 'mended'")
    assert events == [(f"{rejected} rejected records were mended by upload {mending}",)]


def test_what_is_still_bad_stays_rejected_in_both(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, loaded, rejected = account(engine, parent)
    lines = rejected_lines(engine, parent)
    before = reasons(engine, parent)
    mending = mend(parent, mended_movies(*lines, vote_average="11"))
    loader.load(mending, never)
    assert account(engine, mending) == (rejected, 0, rejected)
    assert account(engine, parent) == (read, loaded, rejected)
    assert reasons(engine, parent) == before
    assert {code for _, code in reasons(engine, mending)} == {"out_of_range"}
    assert rows(engine, "SELECT count(*) FROM upload_events WHERE event = 'mended'") == [(0,)]
    check_totals(engine)


def test_lines_that_are_none_unknown_or_repeated_are_rejects_of_the_mending(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    read, loaded, rejected = account(engine, parent)
    line = rejected_lines(engine, parent)[0]
    named = ["x", "", line, 2**40, -1, line, 1, f"{line + 1}.0", 0]
    mending = mend(parent, mended_movies(*named))
    loader.load(mending, never)
    assert reasons(engine, mending) == [
        *((number, "not_a_reject") for number in (2, 3, 5, 6)),
        (7, "repeated_line"),
        *((number, "not_a_reject") for number in (8, 9, 10)),
    ]
    assert account(engine, mending) == (len(named), 1, len(named) - 1)
    assert account(engine, parent) == (read, loaded + 1, rejected - 1)
    spans = rows(engine, "SELECT byte_end - byte_start FROM rejects WHERE code = 'not_a_reject'")
    assert all(length > 50 for (length,) in spans)
    check_totals(engine)


def test_records_that_are_none_and_lines_of_any_length(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    header = mended_movies()
    damaged = mend(parent, header + b"2,too,few\r\n3,too,few\r\n")
    long = mend(parent, mended_movies("9" * 100_000))
    for mending in (damaged, long):
        loader.load(mending, never)
        assert upload(engine, mending)["state"] == "completed"
    assert reasons(engine, damaged) == [(2, "wrong_field_count"), (3, "wrong_field_count")]
    assert reasons(engine, long) == [(2, "not_a_reject")]
    longest = rows(engine, "SELECT max(length(value)) FROM rejects WHERE code = 'not_a_reject'")
    assert longest == [(1001,)]
    check_totals(engine)


def test_a_record_that_nobody_wants_has_that_one_reason(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    mending = mend(parent, mended_movies(999_999, vote_average="11", budget="x"))
    loader.load(mending, never)
    assert reasons(engine, mending) == [(2, "not_a_reject")]


def test_mending_twice_loads_once(engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID) -> None:
    lines = rejected_lines(engine, parent)
    first, second = (mend(parent, mended_movies(*lines)) for _ in range(2))
    assert first != second
    for mending in (first, second, first):
        loader.load(mending, never)
    assert account(engine, first) == (len(lines), len(lines), 0)
    assert account(engine, second) == (len(lines), 0, len(lines))
    assert {code for _, code in reasons(engine, second)} == {"not_a_reject"}
    check_totals(engine)


def test_two_at_once_share_the_lines(engine: Engine, settings: Settings, mend: Mend, parent: uuid.UUID) -> None:
    read, _, _ = account(engine, parent)
    lines = rejected_lines(engine, parent)
    mendings = [mend(parent, mended_movies(*order)) for order in (lines, lines[::-1], lines)]
    loaders = [Loader(settings) for _ in mendings]
    threads = [
        threading.Thread(target=loader.load, args=(mending, never))
        for loader, mending in zip(loaders, mendings, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for loader in loaders:
        loader.close()
    assert {upload(engine, mending)["state"] for mending in mendings} == {"completed"}
    assert sum(account(engine, mending)[1] for mending in mendings) == len(lines)
    assert account(engine, parent) == (read, read, 0)
    check_totals(engine)


def test_a_header_needs_the_line_and_all_columns_of_the_dataset(mend: Mend, parent: uuid.UUID) -> None:
    with pytest.raises(HeaderMismatch, match="_line"):
        mend(parent, SMALL)
    with pytest.raises(HeaderMismatch, match="budget"):
        mend(parent, mended_movies(3).replace(b",budget,", b",bugdet,"))
    with pytest.raises(HeaderMismatch, match="twice: _line"):
        mend(parent, mended_movies(3).replace(b"_hint,", b"_line,"))


def test_columns_may_stand_in_any_order_and_ours_do_not_get_into_extra(
    engine: Engine, loader: Loader, mend: Mend, parent: uuid.UUID
) -> None:
    line = rejected_lines(engine, parent)[0]
    header = ["code", "line", *reversed(MOVIES_HEADER), "_line", "_note"]
    cells = ["a", "b", *(GOOD_MOVIE[name] for name in reversed(MOVIES_HEADER)), str(line), "c"]
    output = io.StringIO(newline="")
    csv.writer(output).writerows([header, cells])
    loader.load(mend(parent, output.getvalue().encode()), never)
    found = rows(engine, "SELECT id, title, extra FROM movies WHERE extra IS NOT NULL")
    base = first_id(upload(engine, parent)["number"])
    assert [tuple(row) for row in found] == [(base + line, "A Film", {"code": "a", "line": "b", "_note": "c"})]


def test_titles_without_quoting(engine: Engine, loader: Loader, accept: Accept, mend: Mend) -> None:
    parent = accept(titles({}, {"isAdult": "True", "primaryTitle": 'A "quoted'}, {"startYear": "99"}), "titles.tsv")
    loader.load(parent, never)
    assert account(engine, parent) == (3, 1, 2)
    records = [["_line", *TITLES_HEADER]]
    for line, title in ((3, 'A "quoted'), (4, "B")):
        records.append([str(line), *((GOOD_TITLE | {"primaryTitle": title})[name] for name in TITLES_HEADER)])
    content = "".join("\t".join(record) + "\n" for record in records).encode()
    loader.load(mend(parent, content, "rejects.tsv"), never)
    assert account(engine, parent) == (3, 3, 0)
    found = rows(engine, "SELECT id & 4294967295, title FROM movies ORDER BY 1")
    assert [tuple(row) for row in found] == [(2, "Carmencita"), (3, 'A "quoted'), (4, "B")]
    check_totals(engine)


def test_a_mending_does_not_stand_for_the_same_file_sent_as_an_upload(
    engine: Engine, loader: Loader, accept: Accept, mend: Mend, parent: uuid.UUID
) -> None:
    content = mended_movies(*rejected_lines(engine, parent))
    mending = mend(parent, content)
    loader.load(mending, never)
    other = accept(content, forced=False)
    assert other != mending
    again: Iterable[uuid.UUID] = [accept(content, forced=False), mend(parent, content)]
    assert other in again
    assert mending not in again
