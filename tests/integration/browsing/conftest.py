"""Files of IMDb and TMDB that belong together, loaded on a real Postgres; what is read, and in how many statements."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import create_read_engine
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.test_loader import never
from tests.rows import file_of

Load = Callable[..., None]
Reading = Callable[[AsyncEngine], Awaitable[Any]]
# What was read, and how many statements it took.
Read = Callable[[Reading], tuple[Any, int]]


@pytest.fixture
def load(intake: Intake, loader: Loader) -> Load:
    """Loads a file of a dataset with a row for each change of its good row."""

    def load_rows(dataset: str, *changes: dict[str, str], tenant: str = "public", **options: Any) -> None:
        name = f"{dataset}.tsv" if "." in dataset else f"{dataset}.csv"
        loader.load(intake(file_of(dataset, *changes), name, tenant=tenant, **options), never)

    return load_rows


@pytest.fixture
def read(settings: Settings) -> Read:
    """Calls what reads with the engine of requests."""

    def read_counted(reading: Reading) -> tuple[Any, int]:
        async def run() -> tuple[Any, int]:
            engine = create_read_engine(settings)
            statements: list[str] = []
            event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
            try:
                return await reading(engine), len(statements)
            finally:
                await engine.dispose()

        return asyncio.run(run())

    return read_counted


class Asker:
    """Runs reading functions on an engine of its own; `statements` are those of the last one, without the tenant's."""

    def __init__(self, settings: Settings) -> None:
        self._runner = asyncio.Runner()
        self._engine = self._runner.run(self._open(settings))
        self.statements: list[str] = []
        event.listen(self._engine.sync_engine, "before_cursor_execute", self._note)

    def __call__(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        self.statements.clear()
        return self._runner.run(self._ask(function, *arguments))

    def close(self) -> None:
        """Close connections."""
        self._runner.run(self._engine.dispose())
        self._runner.close()

    async def _open(self, settings: Settings) -> AsyncEngine:
        return create_read_engine(settings)

    async def _ask(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await function(self._engine, *arguments)

    def _note(self, *arguments: Any) -> None:
        statement = arguments[2]
        if "app.tenant" not in statement:
            self.statements.append(statement)


@pytest.fixture
def ask(settings: Settings) -> Iterator[Asker]:
    """`ask(read_figures, tenant, dataset)`: on a migrated database."""
    asker = Asker(settings)
    yield asker
    asker.close()
