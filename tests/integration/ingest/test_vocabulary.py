"""The vocabulary: which words it has, after which changes, and how the filling goes on where it was."""

import pytest
from sqlalchemy import Engine, text

from shared.catalog.write_mode import WriteMode
from shared.database.engine import PlainSql, create_sync_engine
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.words.filler import fill_all
from shared.ingest.words.filling import fill_chunk
from shared.settings import Settings
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.corrections import corrected_movies, rejected_lines
from tests.integration.ingest.test_loader import never, rows
from tests.integration.ingest.titles import FILLER, Load, Write
from tests.rows import file_of, movies

APPEND, REPLACE, UPSERT = WriteMode

on_one_server = pytest.mark.parametrize("server", ["18"], indirect=True)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An upload with `FILLER` is large."""
    return settings.model_copy(update={"small_upload_bytes": 1024})


def vocabulary(engine: Engine, tenant: str = "public") -> set[str]:
    """The words of a tenant."""
    return {word for (word,) in rows(engine, "SELECT word FROM vocabulary WHERE tenant = :tenant", tenant=tenant)}


def filled(engine: Engine, tenant: str = "public") -> set[str]:
    """The words of a tenant as soon as all are known."""
    fill_all(engine, REGISTRY)
    return vocabulary(engine, tenant)


def test_words_of_all_titles_and_names_and_no_others(engine: Engine, intake: Intake, loader: Loader) -> None:
    film = {"title": "The 39 Steps", "original_title": "Die neununddreißig", "overview": "Somebody flees."}
    for name, content in (
        ("movies.csv", movies(film, {"title": "七人の侍のこと", "original_title": "Éternité"})),
        ("name.basics.tsv", file_of("name.basics", {"primaryName": "Madeleine Carroll"})),
        ("title.akas.tsv", file_of("title.akas", {"titleId": "tt0026029", "title": "Les Trente-neuf"})),
        ("title.ratings.tsv", file_of("title.ratings", {})),
    ):
        loader.load(intake(content, name), never)
    assert vocabulary(engine) == set()
    assert filled(engine) == {"steps", "neununddreissig", "eternite", "madeleine", "carroll", "trente", "neuf"}


@on_one_server
def test_each_tenant_has_its_words(engine: Engine, intake: Intake, loader: Loader) -> None:
    for tenant, title in (("alpha", "Metropolis"), ("beta", "Casablanca")):
        loader.load(intake(movies({"title": title, "original_title": ""}), tenant=tenant), never)
    assert (filled(engine, "alpha"), vocabulary(engine, "beta")) == ({"metropolis"}, {"casablanca"})


@on_one_server
def test_whatever_changes_titles_adds_words(
    engine: Engine, load: Load, write: Write, loader: Loader, intake: Intake, correct: Correct
) -> None:
    load({"tt1": "harvest"}, APPEND)
    assert filled(engine) == {"harvest"}
    load({"tt1": "winter", **FILLER}, UPSERT)
    assert filled(engine) == {"harvest", "winter", "filler"}
    load({"tt1": "summer"}, REPLACE)
    write("tt1", "autumn")
    assert filled(engine) == {"harvest", "winter", "filler", "summer", "autumn"}
    loader.load(rejecting := intake(movies({"title": "", "original_title": ""}, {"original_title": ""})), never)
    assert filled(engine) == {"harvest", "winter", "filler", "summer", "autumn", "film"}
    corrected = corrected_movies(*rejected_lines(engine, rejecting)).replace(b"A Film", b"Springtime")
    loader.load(correct(rejecting, corrected), never)
    assert "springtime" in filled(engine)


@on_one_server
@pytest.mark.parametrize("filler", [{}, FILLER], ids=["small", "large"])
@pytest.mark.parametrize("mode", [REPLACE, UPSERT])
def test_words_of_superseded_rows_are_known_when_these_come_back(
    engine: Engine, load: Load, mode: WriteMode, filler: dict[str, str]
) -> None:
    load({"tt1": "harvest", **filler}, APPEND)
    later = load({"tt1": "winter", **filler}, mode)
    assert filled(engine) >= {"harvest", "winter"}
    undo(engine, REGISTRY, later, "public")
    before = rows(engine, "SELECT version FROM vocabulary_progress")
    assert filled(engine) >= {"harvest"}
    assert rows(engine, "SELECT version FROM vocabulary_progress") != before == [(2,)]


@on_one_server
def test_what_was_undone_before_adds_nothing(engine: Engine, load: Load) -> None:
    undo(engine, REGISTRY, load({"tt1": "harvest"}, APPEND), "public")
    assert filled(engine) == set()


@on_one_server
@pytest.mark.parametrize("count", [10, 60], ids=["small", "large"])
def test_it_goes_on_where_the_last_chunk_ended(engine: Engine, load: Load, count: int) -> None:
    words = {f"film{chr(ord('a') + number // 26)}{chr(ord('a') + number % 26)}" for number in range(count)}
    load({f"tt{number}": word for number, word in enumerate(sorted(words))}, APPEND)
    chunks, progress = 0, set()

    def next_chunk() -> bool:
        with engine.begin() as connection:
            return fill_chunk(PlainSql(connection), REGISTRY, chunk_ids=3)

    while next_chunk():
        chunks += 1
        progress |= {tuple(row) for row in rows(engine, "SELECT version, next_id FROM vocabulary_progress")}
    assert chunks == len(progress) >= count / 3
    assert vocabulary(engine) == words
    assert rows(engine, "SELECT version, next_id FROM vocabulary_progress") == [(1, 0)]


@on_one_server
def test_it_rests_while_an_upload_waits(engine: Engine, load: Load, intake: Intake, loader: Loader) -> None:
    load({"tt1": "harvest"}, APPEND)
    waiting = intake(movies({}))
    assert filled(engine) == set()
    loader.load(waiting, never)
    assert "harvest" in filled(engine)


@on_one_server
def test_one_process_fills_at_a_time(engine: Engine, settings: Settings, load: Load) -> None:
    load({"tt1": "harvest"}, APPEND)
    other = create_sync_engine(settings, "other")
    try:
        with other.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(7305514)"))
            assert filled(engine) == set()
    finally:
        other.dispose()
    assert filled(engine) == {"harvest"}


@on_one_server
def test_it_stops_between_two_chunks(engine: Engine, load: Load) -> None:
    load({"tt1": "harvest", "tt2": "winter"}, APPEND)
    answers = iter([False, True])
    fill_all(engine, REGISTRY, lambda: next(answers), chunk_ids=1)
    assert vocabulary(engine) == {"harvest"}
