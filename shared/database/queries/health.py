"""What a health check asks the database."""

from sqlalchemy import Select, TextClause, literal, select, text


def anything() -> Select[int]:
    """What any working server can answer."""
    return select(literal(1))


def schema_revision() -> TextClause:
    """The Alembic revision of the database."""
    return text("SELECT version_num FROM alembic_version")
