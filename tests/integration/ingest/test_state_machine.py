"""Loaders, publishers, mergers, people and the sweep in any order, against a model in plain Python (`upload_model`)."""

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import Phase
from hypothesis import settings as configure
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from shared.errors import LostLease, StateConflict, Transient
from shared.ingest.intake.reject_budget import Budget
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.plans import apply
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader, _give_back
from shared.ingest.merging.merger import merge_all
from shared.ingest.publishing.large_upload import publish_large
from shared.ingest.work import Work, begin, claim_batch
from shared.messaging import Transport
from shared.settings import Settings
from tests.conftest import REGISTRY, Intake
from tests.integration import tables
from tests.integration.ingest.merging import eager, leaves
from tests.integration.ingest.simulated import (
    KINDS,
    SMALL,
    Held,
    PausedPublisher,
    Platform,
    SimulatedLoader,
    count_records,
)
from tests.integration.ingest.test_actions import Notifier, forget_notifications, own_tables, stop_after
from tests.integration.ingest.test_loader import commit, never, read_records, upload
from tests.integration.ingest.upload_model import ACTIONS, ACTIVE, MAX_ATTEMPTS, NEXT, ModelBatch, ModelUpload

LOADERS = st.integers(0, 2)
MOST_UPLOADS = 3
NOT_GONE = ("queued", "loading", "planned", "failed", "cancelled", "completed")
POINTS = st.sampled_from(["publish.built", "publish.claimed"])
BEFORE = ["nothing", "it is loaded", "the sweep runs", "another begins", "the client changes its mind"]
LEASE_SECONDS = 3600.0  # leases end when a rule says so
DO: dict[str, Callable[[Engine, uuid.UUID, str], object]] = {
    "apply": lambda engine, upload_id, tenant: apply(engine, upload_id, tenant, None),
    "cancel": cancel,
    "retry": retry,
    "undo": lambda engine, upload_id, tenant: undo(engine, REGISTRY, upload_id, tenant),
}


def pick(*states: str) -> Any:
    """One of the uploads in these states; the rule needs a precondition that there is one."""
    return st.runner().flatmap(lambda self: st.sampled_from(self.uploads_in(states)))


some_active = precondition(lambda self: bool(self.uploads_in(ACTIVE)))


class Ingestion(RuleBasedStateMachine):
    """Every rule asks the model first what must happen."""

    held: Bundle[Held] = Bundle("held")
    publishers: Bundle[PausedPublisher] = Bundle("publishers")

    platform: ClassVar[Platform]

    def __init__(self) -> None:
        super().__init__()
        self.engine, self.settings, self.loader = self.platform.engine, self.platform.settings, self.platform.loader
        self.models: dict[uuid.UUID, ModelUpload] = {}
        self.all_held: list[Held] = []
        self.paused: list[PausedPublisher] = []
        tables.empty(self.engine)

    def uploads_in(self, states: tuple[str, ...]) -> list[ModelUpload]:
        return [model for model in self.models.values() if model.state in states]

    @initialize(large=st.sampled_from(["clean", "large", "large over budget"]))
    def begin_with_two(self, large: str) -> None:
        self.take_in(large)
        self.take_in("small")

    @precondition(lambda self: len(self.uploads_in(NOT_GONE)) < MOST_UPLOADS)
    @rule(kind=st.sampled_from(sorted(KINDS)), plan=st.booleans())
    def take_in(self, kind: str, plan: bool = False) -> None:
        content, may_reject = KINDS[kind]
        upload_id = self.platform.intake(content, budget=Budget(max_rejects=None if may_reject else 0), plan=plan)
        number = upload(self.engine, upload_id)["number"]
        spans = tables.spans(self.engine, number)
        batches = [ModelBatch(batch, *count_records(content[start:end])) for batch, start, end in spans]
        assert (len(batches) > 2) == (content != SMALL)
        is_large = content != SMALL or plan
        self.models[upload_id] = ModelUpload(upload_id, number, is_large, may_reject, batches, is_plan=plan)

    @some_active
    @rule(target=held, number=LOADERS, model=pick(*ACTIVE), successor=st.none() | LOADERS)
    def claim(self, number: int, model: ModelUpload, successor: int | None) -> Any:
        """Claim a batch, and perhaps lose it to a successor, until no loader may try any more."""
        mine = self.claim_one(self.platform.loaders[number], model)
        if successor is None:
            return multiple(*mine)
        self.expire(model)
        return multiple(*mine, *self.claim_one(self.platform.loaders[successor], model))

    def claim_one(self, loader: SimulatedLoader, model: ModelUpload) -> list[Held]:
        work = self.begin(loader, model)
        if work is None:
            return []
        claimed = loader.do(lambda connection: claim_batch(connection, work, LEASE_SECONDS, MAX_ATTEMPTS))
        free = {batch.number: batch for batch in model.free()}
        assert (claimed is not None) == bool(free)
        if claimed is None:
            return []
        mine = Held(loader, work, claimed, model, free[claimed.number])
        model.claim(mine.batch, mine)
        self.all_held.append(mine)
        return [mine]

    def begin(self, loader: SimulatedLoader, model: ModelUpload) -> Work | None:
        work = loader.do(lambda connection: begin(connection, model.id, REGISTRY))
        assert (work is not None) == model.begin()
        return work

    @rule(held=held)
    def commit(self, held: Held) -> None:
        """Commit a batch, perhaps for the second time, or long after another loader has claimed it."""
        held.records = held.records or read_records(self.loader, held.work, held.claimed)
        try_it = partial(commit, work=held.work, batch=held.claimed, records=held.records)
        if held.upload.may_commit(held.batch, held):
            held.loader.do(try_it)
            held.upload.commit(held.batch)
        else:
            with pytest.raises(LostLease):
                held.loader.do(try_it)

    @rule(held=consumes(held), counts_as_attempt=st.booleans())
    def give_back(self, held: Held, counts_as_attempt: bool) -> None:
        give_back = partial(_give_back, work=held.work, batch=held.claimed, counts_as_attempt=counts_as_attempt)
        held.loader.do(give_back)
        self.all_held.remove(held)
        held.upload.give_back(held.batch, held, counts_as_attempt)

    @some_active
    @rule(model=pick(*ACTIVE))
    def expire(self, model: ModelUpload) -> None:
        """Time passes."""
        tables.expire(self.engine, model.number)
        model.expire()

    @rule(model=pick(*NEXT))
    def load(self, model: ModelUpload) -> None:
        assert self.loader.load(model.id, never) is False
        model.load_batches()
        self.publish_in(model)

    @some_active
    @rule(number=LOADERS, model=pick(*ACTIVE))
    def publish(self, number: int, model: ModelUpload) -> None:
        work = self.begin(self.platform.loaders[number], model)
        if work is not None and model.is_large:
            published = publish_large(self.loader.pool, self.settings, work)
            assert published is self.publish_in(model)

    def publish_in(self, model: ModelUpload) -> bool:
        if not model.may_publish():
            return False
        model.claim_publishing(self)
        return model.publish(self)

    @precondition(lambda self: any(model.is_large for model in self.uploads_in(ACTIVE)))
    @rule(target=publishers, number=LOADERS, model=pick(*ACTIVE).filter(lambda model: model.is_large), point=POINTS)
    def begin_to_publish_and_pause(self, number: int, model: ModelUpload, point: str) -> Any:
        """First all leases end and all batches are loaded; random rules alone would hardly ever get this far."""
        self.expire(model)
        work = self.begin(self.platform.loaders[number], model)
        self.loader.load(model.id, stop_after(len(model.free())))
        model.load_batches()
        if work is None or not model.may_publish():
            return multiple()
        publish = partial(publish_large, self.loader.pool, self.settings, work)
        publisher = PausedPublisher(publish, point, model)
        self.paused.append(publisher)
        model.claim_publishing(publisher)
        return publisher

    @rule(target=publishers, publisher=consumes(publishers), before=st.sampled_from(BEFORE), number=LOADERS)
    def go_on_publishing(self, publisher: PausedPublisher, before: str, number: int) -> Any:
        """Resume a paused publisher, after something else has happened or not."""
        another: Any = multiple()
        if before == "it is loaded":
            self.expire(publisher.upload)
            self.load(publisher.upload)
        elif before == "the sweep runs":
            self.sweep()
        elif before == "another begins":
            another = self.begin_to_publish_and_pause(number, publisher.upload, "publish.built")
        elif before == "the client changes its mind" and publisher.upload.state != "undone":
            self.change_ones_mind(publisher.upload)
        self.paused.remove(publisher)
        outcome = publisher.go_on()
        if publisher.upload.publish(publisher):
            assert outcome is True
        else:
            assert isinstance(outcome, Transient), outcome
        return another

    @precondition(lambda self: bool(self.uploads_in(NOT_GONE)))
    @rule(model=pick(*NOT_GONE))
    def change_ones_mind(self, model: ModelUpload) -> None:
        possible = [action for action, (states, _, _) in ACTIONS.items() if model.state in states]
        self.ask(possible[0], model)

    @rule(action=st.sampled_from(sorted(DO)), model=pick(*NEXT))
    def ask(self, action: str, model: ModelUpload) -> None:
        """Ask for an action: one that is allowed, one that changes nothing, or one that is forbidden."""
        is_allowed = model.act(action)
        with nullcontext() if is_allowed else pytest.raises(StateConflict):
            DO[action](self.engine, model.id, "public")

    @rule(stop_after=st.none() | st.integers(0, 6))
    def merge(self, stop_after: int | None) -> None:
        """Merge whatever can be merged, or begin to, and stop after so many looks at whether to go on."""
        looks = count()
        is_over = None if stop_after is None else (lambda: next(looks) >= stop_after)
        tables.expire_merges(self.engine)
        before = leaves(self.engine)
        urgent = {"urgent_leaves": 0, "urgent_pause_seconds": 0}
        merge_all(eager(self.engine, self.settings, should_stop=is_over or never, **urgent))
        if leaves(self.engine) != before:
            own = {name for (name,) in own_tables(self.engine)}
            for model in self.uploads_in(("completed",)):
                model.is_merged = model.is_large and f"movies_u{model.number}" not in own

    @rule()
    def sweep(self) -> None:
        self.swept()

    def swept(self) -> list[uuid.UUID]:
        """The uploads that it notified of."""
        notifier = Notifier()
        forget_notifications(self.engine)
        sweep(self.engine, self.settings, notifier, [Transport.CELERY])
        assert sorted(notifier.notified) == sorted(model.id for model in self.models.values() if model.sweep())
        own = {f"movies_u{model.number}" for model in self.models.values() if model.has_table}
        assert {table for (table,) in own_tables(self.engine)} == own
        return notifier.notified

    @invariant()
    def whole_or_not_at_all(self) -> None:
        """Each upload's rows, exactly when it is completed; each id once; totals that are the sum of the rows."""
        expected = {model.number: (model.visible, model.visible) for model in self.models.values() if model.visible}
        assert tables.movies(self.engine) == expected
        assert tables.totals(self.engine) == tables.counted(self.engine)

    @invariant()
    def as_the_model_has_it(self) -> None:
        models = self.models.values()
        assert tables.histories(self.engine) == {model.number: model.history for model in models}
        assert tables.rejects(self.engine) == {model.number: model.rejected for model in models if model.rejected}
        done = {(model.number, batch.number) for model in models for batch in model.batches if batch.is_done}
        assert tables.done(self.engine) == done
        completed = [model for model in models if model.state == "completed"]
        assert tables.counts(self.engine) == {model.number: (model.visible, model.rejected) for model in completed}

    def teardown(self) -> None:
        if sys.exc_info()[0] is None:  # otherwise a rule has failed, and its error must be shown
            self.comes_to_its_end()
        for publisher in self.paused:
            publisher.go_on()

    def comes_to_its_end(self) -> None:
        """The sweep's notifications are enough to finish everything, and late loaders change nothing."""
        for held in self.all_held:
            self.commit(held)
        for model in self.models.values():
            self.expire(model)
        for upload_id in self.swept():
            self.load(self.models[upload_id])
        assert not self.uploads_in(ACTIVE)
        for held in self.all_held:
            self.commit(held)
        for publisher in [*self.paused]:
            self.go_on_publishing(publisher, BEFORE[0], 0)
        self.sweep()
        self.whole_or_not_at_all()
        self.as_the_model_has_it()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A large upload has three batches."""
    changes = {"small_upload_bytes": 1024, "lease_seconds": LEASE_SECONDS, "max_attempts": MAX_ATTEMPTS}
    return settings.model_copy(update=changes)


@pytest.fixture
def platform(engine: Engine, settings: Settings, intake: Intake, loader: Loader) -> Iterator[Platform]:
    loaders = [SimulatedLoader(settings) for _ in range(3)]
    yield Platform(engine, settings, intake, loader, loaders)
    for simulated in loaders:
        simulated.close()


@pytest.mark.timeout(600)  # a failure takes long, because hypothesis shrinks it
@pytest.mark.parametrize("server", ["18"], indirect=True)
def test_any_order_of_events(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ingest.publishing.large_upload.reach", PausedPublisher.reach)
    monkeypatch.setattr(Ingestion, "platform", platform, raising=False)
    phases = set(Phase) - {Phase.explain}
    much = configure(max_examples=50, stateful_step_count=25, deadline=None, phases=phases)
    run_state_machine_as_test(Ingestion, settings=much)
