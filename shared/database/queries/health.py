"""What a health check asks the database."""

from sqlalchemy import Select, TextClause, literal, select, text


def anything() -> Select[int]:
    """What any server answers that works."""
    return select(literal(1))


def schema_revision() -> TextClause:
    """The Alembic revision that the database is at."""
    return text("SELECT version_num FROM alembic_version")
