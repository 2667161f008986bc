"""The history goes up, down and up again on every supported version, and ends at what the models say."""

import io
import re
from contextlib import redirect_stdout

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from shared.database.language_codes import language_number
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Correct, Intake, alembic_config, environment, execute
from tests.rows import movies


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


def test_every_index_ends_with_the_id(engine: Engine) -> None:
    query = text("SELECT indexdef FROM pg_indexes WHERE tablename = 'movies_small'")
    with engine.connect() as connection:
        definitions = list(connection.scalars(query))
    assert len(definitions) == 6
    assert all(re.search(r"\bid\)( WHERE|$)", definition) for definition in definitions)


def test_an_upload_cannot_take_a_state_that_does_not_follow(engine: Engine, intake: Intake) -> None:
    intake(movies({}))
    with pytest.raises(IntegrityError, match="cannot go from queued to undone"), engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET state = 'undone'"))
