"""Run migrations on the database of the settings: one migrator at a time, and without waiting long for a lock."""

import re
from typing import Any

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.sql.schema import SchemaItem

from shared.catalog.registry import Registry
from shared.database.models import Base
from shared.database.row_tables import sql_table
from shared.settings import Settings

# An arbitrary constant: the key of the advisory lock that a migrator holds.
MIGRATION_LOCK = 5_270_917
# Branches and leaves of tables, which loaders create.
PARTITION = re.compile(r".*_[tcu][0-9]+|rejects_all")
for table in Registry.built_in().tables.values():
    if table.name not in Base.metadata.tables:  # a process may run several commands
        sql_table(table).to_metadata(Base.metadata)


def include_object(_item: SchemaItem, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    """Ignore partitions and their indexes: migrations and loaders create them, the metadata does not contain them."""
    return not (kind == "table" and reflected and PARTITION.fullmatch(name or ""))


def run_offline() -> None:
    """Print the SQL instead of running it (`alembic upgrade head --sql`)."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=Base.metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        include_object=include_object,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run in one transaction. It holds the advisory lock, for which other migrators wait."""
    engine = create_engine(Settings().sync_url)
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=MIGRATION_LOCK))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_server_default=True,
        )
        context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
