"""Run migrations on the database of the settings: one migrator at a time, and without waiting long for a lock."""

import re
from typing import Any

from alembic import context
from alembic.operations.ops import CreateTableOp, ExecuteSQLOp, MigrationScript
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.sql.schema import SchemaItem

from shared.catalog.registry import Registry
from shared.database.models import Base
from shared.database.partitions import open_to_requests
from shared.database.row_tables import history_table, sql_table, superseded_table
from shared.settings import Settings

# An arbitrary constant: the key of the advisory lock that a migrator holds.
MIGRATION_LOCK = 5_270_917
# Tables of declared datasets, and branches and leaves of tables, which loaders create.
MADE_BY_LOADERS = re.compile(r"d[0-9]+(_superseded|_history)?|.*_[tcumw][0-9]+|rejects_all")
for table in Registry.built_in().tables.values():
    if table.name not in Base.metadata.tables:  # a process may run several commands
        sql_table(table).to_metadata(Base.metadata)
        superseded_table(table).to_metadata(Base.metadata)
        history_table(table).to_metadata(Base.metadata)


def include_object(_item: SchemaItem, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    """Ignore partitions and their indexes: migrations and loaders create them, the metadata does not contain them."""
    return not (kind == "table" and reflected and MADE_BY_LOADERS.fullmatch(name or ""))


def add_rights(_context: Any, _revision: Any, scripts: list[MigrationScript]) -> None:
    """A new table of rows gets the policies and the right of requests, in the migration that is being written."""
    for script in scripts:
        made = [each for each in script.upgrade_ops.ops if isinstance(each, CreateTableOp)]  # type: ignore[union-attr]
        for table in made:
            if table.kw.get("postgresql_partition_by") == "LIST (tenant)":
                for statement in open_to_requests(table.table_name):
                    script.upgrade_ops.ops.append(ExecuteSQLOp(statement))  # type: ignore[union-attr]


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
    engine = create_engine(
        Settings().sync_url, poolclass=NullPool
    )  # the connection ends with the block, whatever happens
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=MIGRATION_LOCK))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_server_default=True,
            process_revision_directives=add_rights,
        )
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
