"""Default files, set as `imdb-ingest tenants` sets them, but in this process."""

import io

from sqlalchemy import create_engine

from shared.ingest.intake.default_files import ReadingOptions, remove_default_file, set_default_file
from shared.settings import Settings
from stack.local import LocalStack

NONE = ReadingOptions()


def set_default(
    stack: LocalStack, tenant: str, content: bytes, name: str = "movies.csv", options: ReadingOptions = NONE
) -> None:
    """Make it the tenant's default file."""
    settings = Settings(database_url=stack.database_url, data_dir=stack.data_dir)
    engine = create_engine(settings.sync_url)
    with engine.begin() as connection:
        set_default_file(connection, settings, tenant, name, io.BytesIO(content), options)
    engine.dispose()


def remove_default(stack: LocalStack, tenant: str) -> None:
    """Take it away."""
    engine = create_engine(Settings(database_url=stack.database_url).sync_url)
    with engine.begin() as connection:
        remove_default_file(connection, tenant)
    engine.dispose()
