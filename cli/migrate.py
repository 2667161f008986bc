"""`imdb-ingest migrate`: run Alembic without its command line and ini file, so that it works in any directory.

After the migrations it creates the database user of INGEST_API_DATABASE_URL, if that is set.
"""

import sys
from pathlib import Path
from typing import Final

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg2 import errorcodes
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError

import migrations
from shared.database.request_login import UnfitLogin, prepare_api_login
from shared.settings import Settings, wrong_settings

FAILED = 1
_HEAD: Final = "head"
_REASONS: Final = {
    errorcodes.INSUFFICIENT_PRIVILEGE: "the user of DATABASE_URL lacks a privilege",
    errorcodes.DUPLICATE_TABLE: "there are tables without a revision; a restore was interrupted, repeat it",
}


def run(revision: str, *, sql: bool) -> int:
    """Upgrade to `revision`, or print the SQL for it; return the exit code."""
    try:
        command.upgrade(alembic_config(), revision, sql=sql)
        if not sql and revision == _HEAD:
            _prepare_login(Settings())
    except ValidationError as error:
        return _failed(f"settings: {wrong_settings(error)}")
    except OperationalError as error:
        return _failed(f"the database does not answer: {str(error.orig).strip()}")
    except DBAPIError as error:
        reason = _REASONS.get(getattr(error.orig, "pgcode", ""))
        if reason is None:
            raise
        return _failed(f"{reason}: {str(error.orig).strip()}")
    except (UnfitLogin, psycopg2.Error) as error:
        return _failed(f"INGEST_API_DATABASE_URL: {str(error).strip()}")
    except CommandError as error:
        return _failed(str(error))
    if not sql:
        sys.stdout.write(f"the database is at {revision}\n")
    return 0


def alembic_config() -> Config:
    """Alembic's configuration for the installed package `migrations`."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])).replace("%", "%%"))
    return config


def _prepare_login(settings: Settings) -> None:
    if settings.api_database_url:
        prepare_api_login(settings)


def _failed(message: str) -> int:
    sys.stderr.write(f"migrate: {message}\n")
    return FAILED
