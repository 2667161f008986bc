"""One step of an upload's life in a process of its own, which a failpoint may kill, stop or make fail."""

import os
import uuid
from collections.abc import Callable

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from shared import failpoints
from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.errors import LostLease, Unavailable
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.plans import apply
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.loading.loader import Loader
from shared.ingest.manual.edit import Edit
from shared.ingest.manual.editing import Editor
from shared.ingest.merging.merger import merge_all
from shared.ingest.words.filler import fill_all
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY
from tests.integration.ingest.merging import eager


def run(step: str, upload_id: uuid.UUID, settings: Settings) -> None:
    """Do the step with the settings' failpoint armed; an error that another attempt may cure becomes exit code 1."""
    failpoints.arm(settings.failpoint)
    engine = create_sync_engine(settings, "failpoint")
    loader = Loader(settings, Registry.built_in(), open_storage(settings))

    def load(upload_id: uuid.UUID, _transport: Transport = Transport.CELERY) -> bool:
        return not loader.load(upload_id, lambda: False)

    steps: dict[str, Callable[[], object]] = {
        "load": lambda: load(upload_id),
        "correct": lambda: load(upload_id),
        "apply": lambda: apply(engine, upload_id, "public", None),
        "cancel": lambda: cancel(engine, upload_id, "public"),
        "retry": lambda: retry(engine, upload_id, "public"),
        "undo": lambda: undo(engine, REGISTRY, upload_id, "public"),
        "list withdrawn": lambda: drop_withdrawn(engine, REGISTRY),
        "edit": lambda: _edit(engine, settings),
        "prune": lambda: prune(engine, days=0),
        "merge": lambda: merge_all(eager(engine, settings, chunk_rows=100)),
        "fill": lambda: fill_all(engine, REGISTRY, chunk_ids=100),
        "sweep": lambda: sweep(engine, settings, load, [Transport.CELERY]),
    }
    try:
        steps[step]()
    except (Unavailable, LostLease, SQLAlchemyError):
        os._exit(1)
    os._exit(0)


def _edit(engine: Engine, settings: Settings) -> None:
    with engine.connect() as connection:
        target = connection.scalar(text("SELECT id FROM movies WHERE source_id = 'tt1'"))
    values = {"source_id": "tt1", "title": "b"}
    Editor(engine, REGISTRY, open_storage(settings)).apply(Edit("public", "test", "title.basics", values, target))
