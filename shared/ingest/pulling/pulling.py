"""One pull: fetch the bytes, take them in like those of a request, register the upload. All of it or nothing."""

import uuid
from collections.abc import Callable
from contextlib import suppress

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import AUTO, stored_dataset
from shared.csv.unreadable import UnreadableFile
from shared.database.declarations import declarations_of
from shared.database.engine import PlainSql, plain_transaction
from shared.database.leases import kept
from shared.database.models import PullState
from shared.errors import FetchRefused, IngestError, LimitReached, LostLease, Permanent, TooLarge
from shared.fetching.address import Address
from shared.fetching.fetch import Answer, fetch
from shared.fetching.networks import SYSTEM_RESOLVER, Resolve
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.registration import Registered, register
from shared.ingest.pulling.claims import Claimed, end, fail, give_back, renew, try_again
from shared.ingest.pulling.quota import FetchedBytes, FetchedFile
from shared.messaging import Transport
from shared.settings import MIB, Settings
from shared.storage.protocol import Storage, remove_object

log = structlog.get_logger()

Notify = Callable[[uuid.UUID, Transport], bool]


class _Stopping(Exception):
    """The process is shutting down."""


class Pulling:
    """What a process needs to carry out pulls, one call of `carry_out` at a time in each thread."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        storage: Storage,
        settings: Settings,
        notify: Notify,
        should_stop: Callable[[], bool] = lambda: False,
        resolve: Resolve = SYSTEM_RESOLVER,
    ) -> None:
        self.engine = engine
        self._registry = registry
        self._storage = storage
        self.settings = settings
        self._notify = notify
        self.should_stop = should_stop
        self._resolve = resolve
        self._bytes = FetchedBytes(engine, settings)

    def close(self) -> None:
        """Close what it holds beside the engine."""
        self._bytes.close()

    def carry_out(self, pull: Claimed) -> None:
        """Make an upload of the file, or say why there is none; raises errors of SQLAlchemy."""
        try:
            with kept(self.settings.lease_seconds, lambda: self._renew(pull)):
                registered = self._fetch_and_register(pull)
        except _Stopping:
            with plain_transaction(self.engine) as connection:
                give_back(connection, pull)
        except LostLease:
            log.warning("pull_lost", pull=str(pull.id), epoch=pull.epoch)
        except (IngestError, UnreadableFile) as error:
            self._note(pull, error)
        else:
            log.info("pulled", pull=str(pull.id), upload_id=str(registered.upload_id), new=not registered.deduplicated)
            if not registered.deduplicated:
                self._notify(registered.upload_id, pull.transport)

    def _note(self, pull: Claimed, error: IngestError | UnreadableFile) -> None:
        is_final = isinstance(error, Permanent | UnreadableFile)
        log.warning("pull_failed", pull=str(pull.id), code=error.code, attempt=pull.attempts, is_final=is_final)
        with plain_transaction(self.engine) as connection:
            if is_final:
                fail(connection, pull, error.code, str(error))
            else:
                try_again(connection, pull, error.code, str(error), self.settings.pull_retry_seconds)

    def _renew(self, pull: Claimed) -> None:
        try:
            with plain_transaction(self.engine) as connection:
                renew(connection, pull, self.settings.lease_seconds)
        except SQLAlchemyError as error:  # the next renewal, or the end, shows whether the claim is lost
            log.warning("pull_not_renewed", error=type(error).__name__)

    def _fetch_and_register(self, pull: Claimed) -> Registered:
        address = Address.checked(pull.address, self.settings)
        file = self._bytes.meter(pull.tenant)
        file.expect(1)
        with fetch(address, pull.validators, self.settings, self._resolve) as answer:
            if answer.is_unchanged:
                return self._unchanged(pull)
            file.expect(answer.size_bytes or 1)
            staged = self._take_in(pull, answer, file)
            return self._register(pull, staged, answer)

    def _unchanged(self, pull: Claimed) -> Registered:
        assert pull.upload_id is not None  # only who has an upload asks so
        with plain_transaction(self.engine) as connection:
            end(connection, pull, PullState.UNCHANGED, pull.upload_id, 0, pull.validators)
        return Registered(pull.upload_id, deduplicated=True)

    def _take_in(self, pull: Claimed, answer: Answer, file: FetchedFile) -> StagedFile:
        """Store the bytes while they come; raises what `FileIntake`, `Answer.chunks` and `FetchedFile.add` raise."""
        reading, settings = pull.options.reading, self.settings
        matcher = reading.matcher(self._registry_of(pull))
        intake = FileIntake(self._storage, settings, pull.options.filename, reading.text, matcher, reading.member)
        try:
            block = bytearray()
            for chunk in answer.chunks():
                self._go_on()
                file.add(len(chunk))
                block += chunk
                if len(block) >= MIB:
                    intake.feed(bytes(block))
                    block.clear()
            file.settle()
            intake.feed(bytes(block))
            return intake.finish()
        except BaseException:
            intake.abort()
            with suppress(LimitReached, TooLarge):
                file.settle()
            raise

    def _go_on(self) -> None:
        if self.should_stop():
            raise _Stopping

    def _registry_of(self, pull: Claimed) -> Registry:
        """All datasets of the tenant, as they are now; raises `FetchRefused` if the one that is named has gone."""
        with self.engine.connect() as connection:
            declared = [stored_dataset(*row) for row in connection.execute(declarations_of(pull.tenant))]
        registry, name = self._registry.with_declared(declared), pull.options.reading.dataset
        if name not in (None, AUTO) and name not in registry:
            raise FetchRefused(f"There is no dataset {name}.")
        return registry

    def _register(self, pull: Claimed, staged: StagedFile, answer: Answer) -> Registered:
        """Commit the upload and the end of its pull together; if that fails before the COMMIT, the file is removed."""
        options = pull.options.of_upload(self.settings, self._registry, pull.tenant, pull.transport, pull.trace_id)
        is_committing = False
        try:
            with self.engine.begin() as connection:
                registered = register(connection, staged, options)
                state = PullState.UNCHANGED if registered.deduplicated else PullState.FETCHED
                end(PlainSql(connection), pull, state, registered.upload_id, staged.size_bytes, answer.validators)
                is_committing = True
        except Exception:
            if not is_committing:
                remove_object(self._storage, staged.storage_key)
            raise
        if registered.deduplicated:
            remove_object(self._storage, staged.storage_key)
        return registered
