"""The history goes up, down and up again on every supported version, and ends at what the models say."""

import io
import re
from contextlib import redirect_stdout
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from shared.catalog.language_codes import language_number
from shared.catalog.write_mode import WriteMode
from shared.database.models import Base
from shared.ingest.lifecycle.actions import retry
from shared.ingest.lifecycle.plans import apply
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.merging.merger import merge_all
from shared.keys.administration import create, rotate
from shared.settings import Settings
from tests.conftest import REGISTRY, Correct, Intake, alembic_config, environment, execute
from tests.integration.ingest.merging import contents, eager, leaves, unattached
from tests.integration.ingest.test_actions import stop_after
from tests.rows import movies, titles


def tables(engine: Engine) -> set[str]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')"
    with engine.connect() as connection:
        return set(connection.scalars(text(query)))


def test_down_and_up_again(settings: Settings, engine: Engine) -> None:
    before = tables(engine)
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "base")
        assert tables(engine) == {"alembic_version"}
        command.upgrade(alembic_config(), "head")
        assert tables(engine) == before
        command.check(alembic_config())


def test_offline_sql_makes_the_same_tables(settings: Settings, engine: Engine) -> None:
    expected = tables(engine)
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "base")
        script = io.StringIO()
        config = alembic_config()
        config.output_buffer = script
        with redirect_stdout(script):
            command.upgrade(config, "head", sql=True)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    execute(settings.database_url, script.getvalue())
    assert tables(engine) == expected


@pytest.mark.parametrize("rows", [1, 200], ids=["small", "large"])
def test_languages_of_loaded_movies_get_their_numbers(
    settings: Settings, engine: Engine, intake: Intake, loader: Loader, rows: int
) -> None:
    loader.load(intake(movies(*[{"original_language": "en"}, {"original_language": "cmn"}] * rows)), lambda: False)
    query = text("SELECT original_language, language_number FROM movies ORDER BY id")
    with engine.connect() as connection:
        loaded = connection.execute(query).all()
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_11_23_sessions")
        command.upgrade(alembic_config(), "head")
    with engine.connect() as connection:
        assert connection.execute(query).all() == loaded
    assert {number for _, number in loaded} == {language_number("en"), language_number("cmn")}


def test_rejects_of_before_have_no_location_and_corrections_become_uploads(
    settings: Settings, engine: Engine, intake: Intake, correct: Correct, loader: Loader
) -> None:
    parent = intake(movies({}, {"title": ""}, {"title": ""}))
    loader.load(parent, lambda: False)
    loader.load(correct(parent, b"_line," + movies({}).replace(b"\r\n300", b"\r\n3,300")), lambda: False)
    locations = text("SELECT count(*), count(byte_start), count(byte_end) FROM rejects")
    with engine.connect() as connection:
        assert tuple(connection.execute(locations).one()) == (1, 1, 1)
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_11_24_languages")
        command.upgrade(alembic_config(), "head")
        command.check(alembic_config())
    with engine.connect() as connection:
        assert tuple(connection.execute(locations).one()) == (1, 0, 0)
        assert connection.scalar(text("SELECT count(*) FROM movies")) == 2
        assert connection.scalars(text("SELECT corrects FROM uploads")).all() == [None, None]


def test_every_index_ends_with_the_id(engine: Engine, intake: Intake, loader: Loader) -> None:
    loader.load(intake(movies({})), lambda: False)
    query = text("SELECT indexdef FROM pg_indexes WHERE tablename ~ '^movies_c[0-9]+$'")
    with engine.connect() as connection:
        definitions = list(connection.scalars(query))
    assert len(definitions) == 15
    others = [each for each in definitions if "_key ON" not in each and "USING gin" not in each]
    assert len(others) == 10
    assert all(re.search(r"\bid\)( WITH \(.*\))?( WHERE|$)", definition) for definition in others)


ROWS = "SELECT tenant, title, extra, release_year, original_language FROM movies ORDER BY 1, 2"
LARGE_IDS = f"SELECT id FROM movies WHERE id >= {2**52} ORDER BY 1"
SUMS = """
SELECT tenant, facets ->> 'release_year', facets ->> 'original_language', sum(row_count)::int AS sum
FROM collection_totals WHERE breakdown = 'rows' GROUP BY 1, 2, 3 HAVING sum(row_count) > 0 ORDER BY 1, 2, 3
"""
OLD_SUMS = """
SELECT tenant, nullif(release_year, 0)::text, nullif(original_language, ''), sum(movies)::int
FROM movie_totals GROUP BY 1, 2, 3 HAVING sum(movies) > 0 ORDER BY 1, 2, 3
"""


def test_collections_arrive_with_all_rows_and_go_again(
    settings: Settings, engine: Engine, intake: Intake, correct: Correct, loader: Loader
) -> None:
    def all_of(sql: str) -> list[Any]:
        with engine.connect() as connection:
            return list(map(tuple, connection.execute(text(sql))))

    def check() -> None:
        command.check(alembic_config())
        for sql, before in found.items():
            assert all_of(sql) == before

    small = movies({"title": "A"}, {"title": ""}, {"title": "C", "release_date": "", "original_language": ""})
    large = movies(*[{"title": f"L {row}", "overview": 150 * "."} for row in range(25)])
    parent = intake(small)
    for upload_id in (
        *(intake(content, tenant="alpha") for content in (large, small)),
        *(parent, intake(large), intake(titles({}), "titles.tsv")),
    ):
        loader.load(upload_id, lambda: False)
    loader.load(correct(parent, b"_line," + movies({}).replace(b"\r\n300", b"\r\n3,300")), lambda: False)
    loader.load(unfinished := intake(large, forced=True), stop_after(2))
    undone = intake(small, tenant="beta", forced=True)
    loader.load(undone, lambda: False)
    undo(engine, REGISTRY, undone, "beta")
    found = {sql: all_of(sql) for sql in (ROWS, LARGE_IDS, SUMS)}
    assert len(found[LARGE_IDS]) == 50
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        for _ in range(2):
            command.downgrade(alembic_config(), "2026_12_01_files")
            assert all_of(ROWS) == found[ROWS]
            assert all_of(LARGE_IDS) == found[LARGE_IDS]
            assert all_of(OLD_SUMS) == found[SUMS]
            assert all_of("SELECT count(*) FROM movies WHERE id >> 32 NOT IN (SELECT number FROM uploads)") == [(0,)]
            command.upgrade(alembic_config(), "head")
            check()
    loader.load(unfinished, lambda: False)
    loader.load(intake(small, tenant="new"), lambda: False)
    undo(engine, REGISTRY, parent, "public")
    assert all_of("SELECT tenant, count(*)::int FROM movies GROUP BY 1 ORDER BY 1") == [
        ("alpha", 25 + 2),
        ("new", 2),
        ("public", 25 + 1 + 25),
    ]
    assert all_of(
        "SELECT tenant, sum(row_count)::int FROM collection_totals WHERE breakdown = 'rows'"
        " GROUP BY 1 HAVING sum(row_count) > 0 ORDER BY 1"
    ) == [
        ("alpha", 27),
        ("new", 2),
        ("public", 51),
    ]


def rows_with_old_fields(engine: Engine) -> list[Any]:
    """What movies had before 2026_12_08_search."""
    later = ("title_key", "more_words", "countries")
    return [(row_id, {name: row[name] for name in row if name not in later}) for row_id, row in contents(engine)]


def test_merged_leaves_become_those_of_their_uploads_again(
    settings: Settings, engine: Engine, intake: Intake, loader: Loader
) -> None:
    """And a merge that is under way is forgotten."""
    uploads = [intake(movies(*[{"overview": 150 * "."}] * 40)) for _ in range(3)]
    for upload_id in uploads:
        loader.load(upload_id, lambda: False)
    own, before = leaves(engine), rows_with_old_fields(engine)
    merge_all(eager(engine, settings))
    undo(engine, REGISTRY, uploads[1], "public")
    loader.load(intake(movies(*[{"overview": 150 * "."}] * 40)), lambda: False)
    merge_all(eager(engine, settings, should_stop=stop_after(3)))
    kept = rows_with_old_fields(engine)
    assert (len(leaves(engine)), len(unattached(engine))) == (2, 1)
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_12_03_other_tables")
    assert unattached(engine) == []
    assert len(leaves(engine)) == 3
    assert {own[0], own[2]} < set(leaves(engine))
    assert rows_with_old_fields(engine) == kept
    assert len(before) == len(kept)
    indexes = "SELECT indexname FROM pg_indexes WHERE tablename = :leaf"
    with engine.connect() as connection:
        of_both = [
            {name.removeprefix(leaf) for name in connection.scalars(text(indexes), {"leaf": leaf})}
            for leaf in leaves(engine)
        ]
    assert of_both == [of_both[0]] * 3
    migrate(settings, "head")
    merge_all(eager(engine, settings))
    assert len(leaves(engine)) == 1
    assert rows_with_old_fields(engine) == kept


def test_plans_and_what_waits_to_be_listed_are_gone_on_the_way_down(
    settings: Settings, engine: Engine, intake: Intake, loader: Loader
) -> None:
    """A plan is cancelled, whether it is applied or not. A retry publishes it: that it was one is forgotten."""
    large = movies(*[{"overview": 150 * "."}] * 40)
    kept, undone, planned, applied = intake(large), intake(large), *(intake(large, plan=True) for _ in range(2))
    for upload_id in (kept, undone, planned, applied):
        loader.load(upload_id, lambda: False)
    undo(engine, REGISTRY, undone, "public")
    assert apply(engine, applied, "public", None)
    before = rows_with_old_fields(engine)
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_12_06_write_modes")
    states = text("SELECT state FROM uploads ORDER BY number")
    waiting = text("SELECT relname FROM pg_class WHERE relname ~ '^movies_x[0-9]'")
    with engine.connect() as connection:
        assert list(connection.scalars(states)) == ["completed", "undone", "cancelled", "cancelled"]
        assert list(connection.scalars(waiting)) == []
    assert rows_with_old_fields(engine) == before
    migrate(settings, "head")
    sweep(engine, settings, lambda *_: True, [])
    assert unattached(engine) == []
    for upload_id in (planned, applied):
        retry(engine, upload_id, "public")
        loader.load(upload_id, lambda: False)
    with engine.connect() as connection:
        assert list(connection.scalars(states)) == ["completed", "undone", "completed", "completed"]
    assert len(rows_with_old_fields(engine)) == 3 * len(before)


def test_keys_of_operators_are_gone_on_the_way_down(settings: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        ada = create(connection, "Ada", ["films"], ["admin"], None)
        operator = create(connection, "Grace", [], ["operator"], None)
        rotate(connection, operator.key.id, timedelta(days=1))
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_12_18_tenants")
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT id FROM api_keys")).all() == [ada.key.id]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET tenants = '{}', scopes = '{operator}'"))
    migrate(settings, "head")
    with engine.begin() as connection:
        assert create(connection, "Grace", [], ["operator"], None).scopes == ["operator"]


def test_the_index_of_types_comes_to_leaves_that_have_words_and_goes_again(
    settings: Settings, engine: Engine, intake: Intake, loader: Loader
) -> None:
    """A large upload whose indexes of words are still to be built gets it with these."""
    large = titles(*[{"primaryTitle": 150 * "."}] * 40)
    loader.load(intake(large, "title.basics.tsv"), lambda: False)
    query = text("SELECT indexdef FROM pg_indexes WHERE tablename ~ '^movies_[cu][0-9]+$' ORDER BY 1")

    def indexes() -> list[str]:
        with engine.connect() as connection:
            return list(connection.scalars(query))

    before = indexes()
    [own] = [each for each in before if "type_title" in each]
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_12_19_operators")
        assert indexes() == [each for each in before if each != own]
        command.upgrade(alembic_config(), "head")
    assert indexes() == before


def test_movies_of_before_are_ordered_by_their_year(
    settings: Settings, engine: Engine, intake: Intake, loader: Loader
) -> None:
    """Also those in a leaf of their own, and those that were replaced since."""
    films = [f"film {number},1999,1999-12-25" for number in range(200)]
    for changed in ("before", "after"):
        content = "\n".join(["title,year,release_date", f"{changed},2003,1999-12-25", *films])
        loader.load(intake(content.encode(), "films.csv", mode=WriteMode.REPLACE), lambda: False)
    tables = "movies", "movies_superseded", "movies_history"
    found = " UNION ALL ".join(f"SELECT title, release_order FROM {table}" for table in tables)
    query = text(f"SELECT title, release_order FROM ({found}) AS found ORDER BY 1")

    def orders() -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(query))

    loaded = orders()
    assert ("after", 20030000) in loaded
    assert ("before", 20030000) in loaded
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"UPDATE {table} SET release_order = 19991225"))
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.downgrade(alembic_config(), "2026_12_22_index_steps")
        command.upgrade(alembic_config(), "head")
    assert orders() == loaded


def test_an_upload_cannot_take_a_state_that_does_not_follow(engine: Engine, intake: Intake) -> None:
    intake(movies({}))
    with pytest.raises(IntegrityError, match="cannot go from queued to undone"), engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET state = 'undone'"))


# -- 2026_11_30_words: an upload of each kind, as the version before wrote it

BEFORE, AFTER = "2026_11_29_turns", "2026_11_30_words"
LARGE = 2**20
PARENT = "00000000-0000-0000-0000-000000000003"

# number, state, use_celery, mends, error_code
UPLOADS = [
    (1, "queued", True, None, None),
    (2, "loading", True, None, None),
    (3, "completed", False, None, None),
    (4, "failed", True, None, "account_mismatch"),
    (5, "failed", False, None, "stored_file_damaged"),
    (6, "failed", True, 3, "mended_upload_ended"),
    (7, "failed", True, None, "too_many_rejects"),
    (8, "cancelled", False, None, None),
    (9, "undone", True, None, None),
    (10, "completed", False, 3, None),
    (LARGE, "loading", False, None, None),
    (LARGE + 1, "completed", True, None, None),
]
INSERT_UPLOAD = """
INSERT INTO uploads (number, id, tenant, filename, dataset, dialect, header, state, phase, use_celery, trace_id, mends,
                     error_code, error_message, storage_key, size_bytes, sha256, content_bytes, content_sha256,
                     header_bytes, rung_at, read_records, loaded_records, rejected_records)
VALUES (:number, ('00000000-0000-0000-0000-' || lpad(:number ::text, 12, '0'))::uuid, 'public', 'movies.csv.gz',
        'movies', '{"delimiter": ","}', '{title}', :state, 'queued', :use_celery, 'trace', :mends, :error_code,
        CASE WHEN :state = 'failed' THEN 'why' END, 'key-' || :number, 90, 'sent-' || :number, 100,
        'stored-' || :number, 6, timestamptz '2026-11-29 12:00:00Z' + :number * interval '1 s', 3, 2, 1)
"""
CONTENTS = f"""
INSERT INTO batches (upload_number, number, byte_start, byte_end, first_line, line_feeds, state, epoch, attempts,
                     read_records, loaded_records, rejected_records)
SELECT upload, batch, 6 + batch * 47, 6 + (batch + 1) * 47, 2 + batch * 3, 3,
       CASE WHEN upload IN (1, 8) OR (upload IN (2, {LARGE}) AND batch = 1) THEN 'pending' ELSE 'done' END,
       batch + 4, 1, 3, 2, 1
FROM (SELECT number AS upload FROM uploads) AS uploads, generate_series(0, 1) AS batch;
INSERT INTO rejects (upload_number, line_number, position, column_name, code, message, value, byte_start, byte_end)
SELECT number, 3, 0, 'title', 'required', 'title must not be empty', '', 20, 40 FROM uploads WHERE state = 'failed';
CREATE TABLE movies_u{LARGE} (LIKE movies INCLUDING DEFAULTS);
CREATE TABLE movies_u{LARGE + 1} PARTITION OF movies
    FOR VALUES FROM ({(LARGE + 1) << 32}) TO ({(LARGE + 2) << 32});
INSERT INTO movies_u{LARGE} (id, tenant, title) VALUES ({(LARGE << 32) + 2}, 'public', 'Not visible');
INSERT INTO movies (id, tenant, title, release_year)
SELECT (number << 32) + line, 'public', 'Film ' || line, 1995
FROM (VALUES (3::bigint), ({LARGE + 1}::bigint)) AS completed (number), generate_series(2, 3) AS line;
INSERT INTO upload_totals VALUES (3, 1995, '', 2), ({LARGE + 1}, 1995, '', 2);
INSERT INTO movie_totals VALUES ('public', 1995, '', 4);
INSERT INTO upload_events (upload_number, event, reason) VALUES
    (3, 'mended', '1 rejected records were mended by upload x'), (2, 'batch_taken_over', 'batch 1, attempt 2');
INSERT INTO idempotency_keys (tenant, key, holder, lease_until, fingerprint, upload_id, answer) VALUES
    ('public', 'running', gen_random_uuid(), now(), NULL, NULL, NULL),
    ('public', 'upload', gen_random_uuid(), now(), 'f', '{PARENT}',
     '{{"status": 202, "body": {{"id": "{PARENT}", "use_celery": true, "mends": null, "number": 3}}}}'),
    ('public', 'correction', gen_random_uuid(), now(), 'f', '{PARENT}',
     '{{"status": 200, "body": {{"state": "queued", "use_celery": false, "mends": "{PARENT}"}}}}');
INSERT INTO tenant_turns VALUES ('public', '2026-11-29 12:00:00Z'), ('other', '2026-11-28 12:00:00Z');
"""
KEPT = ("rejects", "movies", f"movies_u{LARGE}", "upload_totals", "movie_totals")
LATER_NAMES = {
    *("fk_uploads_collection", "ck_uploads_first_id", "ix_uploads_tenant_first_id", "ix_uploads_leaves"),
    *("fk_uploads_declaration", "ix_uploads_declaration"),
    *("ck_uploads_mode", "ck_uploads_kind", "ck_uploads_current_records", "fk_uploads_superseded_by"),
    *("ix_uploads_superseded_by", "ix_uploads_figures"),
}
CODES = {
    "account_mismatch": "record_counts_mismatch",
    "stored_file_damaged": "stored_file_corrupt",
    "mended_upload_ended": "corrected_upload_ended",
}
# columns that the API's role may write; names of constraints and indexes
RIGHTS = """
SELECT attrelid::regclass::text, attname, has_column_privilege('imdb_api', attrelid, attnum, 'INSERT')
FROM pg_attribute WHERE attrelid IN ('uploads'::regclass, 'batches'::regclass) AND attnum > 0 AND NOT attisdropped
"""
NAMES = """
SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype <> 'n'
UNION SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = to_regclass(:table)
"""

Rows = list[dict[str, Any]]


def rows_of(engine: Engine, *names: str) -> dict[str, Rows]:
    with engine.connect() as connection:
        found = {name: connection.execute(text(f"SELECT * FROM {name} ORDER BY 1, 2")) for name in names}
        return {name: [dict(row._mapping) for row in result] for name, result in found.items()}


def names_of(engine: Engine, table: str) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(text(NAMES), {"table": table}))


def rights(engine: Engine) -> set[tuple[Any, ...]]:
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(text(RIGHTS))}


def migrate(settings: Settings, *revisions: str) -> None:
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        for revision in revisions:
            (command.downgrade if revision in ("base", BEFORE) else command.upgrade)(alembic_config(), revision)


def renamed(upload: dict[str, Any]) -> dict[str, Any]:
    changed = {"use_celery", "mends", "rung_at", "content_sha256"}
    return {name: value for name, value in upload.items() if name not in changed} | {
        "transport": "celery" if upload["use_celery"] else "background",
        "corrects": upload["mends"],
        "notified_at": upload["rung_at"],
        "error_code": CODES.get(upload["error_code"], upload["error_code"]),
    }


def check_arrived(engine: Engine, before: dict[str, Rows]) -> None:
    """Everything that `before` says, in the words of now."""
    now = rows_of(engine, "uploads", "batches", "upload_events", "idempotency_keys", "tenant_schedule", *KEPT)
    assert now["uploads"] == [renamed(upload) for upload in before["uploads"]]
    assert now["batches"] == [batch | {"begins_in_line": False, "checksum": None} for batch in before["batches"]]
    events = [event | {"event": event["event"].replace("mended", "corrected")} for event in before["upload_events"]]
    assert now["upload_events"] == events
    assert [(row["tenant"], row["last_served_at"]) for row in now["tenant_schedule"]] == [
        (row["tenant"], row["taken_at"]) for row in before["tenant_turns"]
    ]
    assert {name: now[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert [row["answer"] for row in now["idempotency_keys"]] == [
        {"status": 200, "body": {"state": "queued", "transport": "background", "corrects": PARENT}},
        None,
        {"status": 202, "body": {"id": PARENT, "transport": "celery", "corrects": None, "number": 3}},
    ]
    for table in ("uploads", "batches", "tenant_schedule"):
        declared = Base.metadata.tables[table]
        names = {str(constraint.name) for constraint in declared.constraints}
        names |= {str(index.name) for index in declared.indexes}
        assert names_of(engine, table) - {"ck_uploads_number"} == names - LATER_NAMES


def test_the_fields_words_arrive_with_all_data_and_go_again(settings: Settings, engine: Engine) -> None:
    migrate(settings, "base")
    with environment(DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url):
        command.upgrade(alembic_config(), BEFORE)
    with engine.begin() as connection:
        for number, state, use_celery, corrects, error_code in UPLOADS:
            values = {"number": number, "state": state, "use_celery": use_celery, "mends": corrects}
            connection.execute(text(INSERT_UPLOAD), values | {"error_code": error_code})
        connection.exec_driver_sql(CONTENTS)
    tables_before = ("uploads", "batches", "upload_events", "idempotency_keys", "tenant_turns", *KEPT)
    before, rights_before = rows_of(engine, *tables_before), rights(engine)
    names_before = {table: names_of(engine, table) for table in ("uploads", "batches", "tenant_turns")}
    assert ("uploads", "content_sha256", True) in rights_before

    migrate(settings, AFTER)
    check_arrived(engine, before)
    for column in (
        ("uploads", "transport"),
        ("uploads", "corrects"),
        ("batches", "checksum"),
        ("batches", "begins_in_line"),
    ):
        assert (*column, True) in rights(engine)

    migrate(settings, BEFORE)
    # only the hash of the stored content is lost
    again = {**before, "uploads": [row | {"content_sha256": row["sha256"]} for row in before["uploads"]]}
    assert rows_of(engine, *tables_before) == again
    assert rights(engine) == rights_before
    assert {table: names_of(engine, table) for table in names_before} == names_before

    migrate(settings, AFTER)
    check_arrived(engine, before)
    with pytest.raises(IntegrityError, match="ck_uploads_transport"), engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET transport = 'pigeon'"))
