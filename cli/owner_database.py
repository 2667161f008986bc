"""The database as its owner, for commands that the API does not have."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2
import typer
from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, ProgrammingError

from shared.database.engine import create_sync_engine
from shared.errors import IngestError, InvalidRequest, NotFound, StateConflict
from shared.settings import Settings, wrong_settings
from stack.postgres import PostgresServer
from stack.stack_errors import StackError

FAILED: Final = 1
WRONG_USAGE: Final = 2


@contextmanager
def owner_database(command: str, data_dir: Path | None) -> Iterator[Connection]:
    """A transaction. An error ends the process as with `failures_of`."""
    with failures_of(command):
        engine = create_sync_engine(settings_of(data_dir), f"ingest-{command}")
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def failures_of(command: str) -> Iterator[None]:
    """An error ends the process with one line on stderr and exit code 1, or 2 for invalid input."""
    try:
        yield
    except ValidationError as error:
        wrong = wrong_settings(error)
        other = " (or use --data-dir of a running `imdb-ingest up`)" if wrong.startswith("DATABASE_URL:") else ""
        raise _failed(command, f"settings: {wrong}{other}") from error
    except OperationalError as error:
        raise _failed(command, f"the database does not answer: {str(error.orig).strip()}") from error
    except ProgrammingError as error:
        raise _failed(command, f"the database has no table for {command}: run `imdb-ingest migrate`") from error
    except InvalidRequest as error:
        is_wrong = not isinstance(error, NotFound | StateConflict)
        raise _failed(command, str(error), WRONG_USAGE if is_wrong else FAILED) from error
    except psycopg2.Error as error:
        raise _failed(command, f"the database refuses: {str(error).strip()}") from error
    except (IngestError, StackError) as error:
        raise _failed(command, str(error)) from error
    except OSError as error:
        raise _failed(command, f"{error.filename or 'a file'}: {error.strerror or error}") from error


def settings_of(data_dir: Path | None) -> Settings:
    """The settings of the environment, or of the running `imdb-ingest up` with this data directory."""
    if data_dir is None:
        return Settings()
    return Settings(database_url=PostgresServer(data_dir / "postgres").running_url(), data_dir=data_dir)


def _failed(command: str, message: str, code: int = FAILED) -> typer.Exit:
    typer.secho(f"{command}: {message}", fg="red", err=True)
    return typer.Exit(code)
