"""Files of IMDb and TMDB that belong together, loaded on a real Postgres; what is read of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import create_read_engine
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.conftest import Intake
from tests.integration.ingest.test_loader import never
from tests.rows import file_of

Load = Callable[..., None]
Reading = Callable[[AsyncEngine], Awaitable[Any]]
Read = Callable[[Reading], Any]


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

    def read_once(reading: Reading) -> Any:
        async def run() -> Any:
            engine = create_read_engine(settings)
            try:
                return await reading(engine)
            finally:
                await engine.dispose()

        return asyncio.run(run())

    return read_once


class Asker:
    """Runs reading functions on an engine of its own."""

    def __init__(self, settings: Settings) -> None:
        self._runner = asyncio.Runner()
        self._engine = self._runner.run(self._open(settings))

    def __call__(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return self._runner.run(self._ask(function, *arguments))

    def close(self) -> None:
        """Close connections."""
        self._runner.run(self._engine.dispose())
        self._runner.close()

    async def _open(self, settings: Settings) -> AsyncEngine:
        return create_read_engine(settings)

    async def _ask(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await function(self._engine, *arguments)


@pytest.fixture
def ask(settings: Settings) -> Iterator[Asker]:
    """`ask(read_figures, tenant, dataset)`: on a migrated database."""
    asker = Asker(settings)
    yield asker
    asker.close()
