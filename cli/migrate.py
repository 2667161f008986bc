"""`imdb-ingest migrate`: Alembic without its command line or its ini file, so that it runs from any directory."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

import migrations

FAILED = 1


def run(revision: str, *, sql: bool) -> int:
    """Go up to `revision`, or print the SQL of it; the exit code."""
    try:
        command.upgrade(alembic_config(), revision, sql=sql)
    except ValidationError as error:
        return _failed(f"settings: {', '.join(str(item['loc'][0]) for item in error.errors())} missing or wrong")
    except OperationalError as error:
        return _failed(f"the database does not answer: {str(error.orig).strip()}")
    except CommandError as error:
        return _failed(str(error))
    if not sql:
        sys.stdout.write(f"the database is at {revision}\n")
    return 0


def alembic_config() -> Config:
    """The configuration that points at the installed `migrations` package."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])).replace("%", "%%"))
    return config


def _failed(message: str) -> int:
    sys.stderr.write(f"migrate: {message}\n")
    return FAILED
