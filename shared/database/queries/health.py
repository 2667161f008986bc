"""What a health check asks the database."""

from sqlalchemy import Select, TextClause, literal, select, text

from shared.database import lock_table
from shared.database.timing.statement_names import named


@named
def anything() -> Select[int]:
    """What any working server can answer."""
    return select(literal(1))


@named
def locks_setting() -> TextClause:
    """How many locks the server has for each connection."""
    return text(f"SELECT current_setting('{lock_table.SETTING}')::int")


@named
def schema_revision() -> TextClause:
    """The Alembic revision of the database."""
    return text("SELECT version_num FROM alembic_version")
