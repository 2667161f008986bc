"""What every API and every worker does beside requests and loads: each round of it in one of them at a time."""

from collections.abc import Collection, Sequence
from functools import partial
from threading import Event

from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.ingest.lifecycle.sweep import Notify, Sweeping
from shared.ingest.merging.merger import Merging, merge_all
from shared.ingest.pulling.puller import pull_all
from shared.ingest.pulling.pulling import Pulling
from shared.ingest.rounds import Rounds
from shared.ingest.words.filler import fill_all
from shared.ingest.words.word_indexes import WordIndexes
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.protocol import Storage


def background_work(
    settings: Settings,
    registry: Registry,
    storage: Storage,
    notify: Notify,
    *,
    transports: Collection[Transport],
    pulled: Collection[Transport],
) -> Sequence[Rounds]:
    """Sweeping, merging, the vocabulary and pulls, each with connections of its own; start them in this order.

    `transports`: those that `notify` can use; `pulled`: those of the pulls that this process carries out.
    """
    return [
        _sweeping(settings, registry, storage, notify, transports),
        _merging(settings, registry),
        _vocabulary(settings, registry),
        _pulls(settings, registry, storage, notify, pulled),
    ]


def _sweeping(
    settings: Settings, registry: Registry, storage: Storage, notify: Notify, transports: Collection[Transport]
) -> Rounds:
    engine = create_sync_engine(settings, "ingest-sweep")
    sweeping = Sweeping(engine, registry, storage, settings, notify, transports)

    def close() -> None:
        sweeping.close()
        engine.dispose()

    return Rounds("sweep", settings.sweep_interval_seconds, sweeping.sweep_all, stopping=Event(), close=close)


def _merging(settings: Settings, registry: Registry) -> Rounds:
    engine, stopping = create_sync_engine(settings, "ingest-merging"), Event()
    merging = Merging(engine, registry, settings.lease_seconds, should_stop=stopping.is_set)
    word_indexes = WordIndexes(engine, registry, stopping.is_set)

    def merge() -> None:
        word_indexes.build_all()
        merge_all(merging)

    return Rounds("merging", settings.merge_interval_seconds, merge, stopping=stopping, close=engine.dispose)


def _vocabulary(settings: Settings, registry: Registry) -> Rounds:
    engine, stopping = create_sync_engine(settings, "ingest-vocabulary"), Event()
    fill = partial(fill_all, engine, registry, stopping.is_set)
    return Rounds("vocabulary", settings.sweep_interval_seconds, fill, stopping=stopping, close=engine.dispose)


def _pulls(
    settings: Settings, registry: Registry, storage: Storage, notify: Notify, pulled: Collection[Transport]
) -> Rounds:
    engine, stopping = create_sync_engine(settings, "ingest-pulls"), Event()
    pulling = Pulling(engine, registry, storage, settings, notify, stopping.is_set)

    def close() -> None:
        pulling.close()
        engine.dispose()

    return Rounds(
        "pulls",
        settings.sweep_interval_seconds,
        partial(pull_all, pulling, pulled),
        stopping=stopping,
        close=close,
        threads=settings.pulls if settings.pull_hosts else 0,  # without listed hosts nothing may be fetched
    )
