"""What a health check asks the database."""

from typing import Any

from sqlalchemy import Select, TextClause, func, select, text


def server_version() -> Select[Any]:
    """The server's version as it names it, for example `18.4`."""
    return select(func.current_setting("server_version"))


def schema_revision() -> TextClause:
    """The Alembic revision that the database is at."""
    return text("SELECT version_num FROM alembic_version")
