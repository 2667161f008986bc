"""What clients ask for: a pull of an address, and sources."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.csv.compression.registry import codec_of
from shared.database.models import Pull, PullState, Source
from shared.database.queries.pulling.sources import source_by_name, sources_count
from shared.errors import FetchFailed, KeyReused, NotFound, SourceExists
from shared.fetching.address import Address
from shared.fetching.networks import checked_addresses
from shared.ingest.pulling.options import PullOptions
from shared.messaging import Transport
from shared.settings import Settings

MOST_SOURCES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """An address, and what to do with its file."""

    tenant: str
    address: str
    options: PullOptions
    transport: Transport

    def require_possible(self, settings: Settings) -> None:
        """Raise `PullingOff`, `AddressForbidden`, and `UnsupportedFile` for a name that is no table's.

        A host without an address may have one by the time of the pull, which checks all of this again.
        """
        address = Address.checked(self.address, settings)
        codec_of(self.options.filename)
        self.options.budget(settings)
        with suppress(FetchFailed):
            checked_addresses(address.host, address.port, settings.pull_networks)

    @property
    def columns(self) -> dict[str, Any]:
        """Those that sources and pulls have in common."""
        parameters = self.options.to_json()
        return {"address": self.address, "parameters": parameters, "transport": self.transport, "tenant": self.tenant}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every so many minutes, first at `next_run_at`; None: only when somebody asks."""

    every_minutes: int | None
    next_run_at: datetime | None


def pull_once(connection: Connection, asked: Asked, trace_id: str, idempotency_key: str | None) -> uuid.UUID:
    """The id of a new pull, or of the one that the key was sent with before; raises `KeyReused`."""
    values = asked.columns | {"id": uuid.uuid4(), "trace_id": trace_id, "idempotency_key": idempotency_key}
    pull: uuid.UUID | None = connection.scalar(insert(Pull).values(values).on_conflict_do_nothing().returning(Pull.id))
    if pull is None:
        of_key = Pull.tenant == asked.tenant, Pull.idempotency_key == idempotency_key
        known = select(Pull.id, Pull.address, Pull.parameters, Pull.transport)
        earlier = connection.execute(known.where(*of_key)).one()
        options = PullOptions.from_json(earlier.parameters)
        if Asked(asked.tenant, earlier.address, options, Transport(earlier.transport)) != asked:
            raise KeyReused("This Idempotency-Key was used for another request.")
        pull = uuid.UUID(str(earlier.id))
    return pull


def pull_source(connection: Connection, tenant: str, name: str, trace_id: str, *, force: bool) -> uuid.UUID:
    """The id of a new pull of the source, or of the one that waits already; raises `NotFound`."""
    source = _source(connection, tenant, name)
    values = {name: getattr(source, name) for name in ("address", "parameters", "transport", "tenant")}
    values |= {"id": uuid.uuid4(), "source": source.id, "trace_id": trace_id}
    if force:
        values["parameters"] = {**source.parameters, "force": True}
    waiting = select(Pull.id).where(Pull.source == source.id, Pull.state == PullState.WAITING)
    pull: uuid.UUID | None = None
    while pull is None:  # the one that waited may end between the two statements
        new = insert(Pull).values(values).on_conflict_do_nothing().returning(Pull.id)
        pull = connection.scalar(new) or connection.scalar(waiting)
    return pull


def create_source(connection: Connection, name: str, asked: Asked, schedule: Schedule) -> None:
    """Raises `SourceExists`."""
    if connection.execute(sources_count(asked.tenant)).scalar_one() >= MOST_SOURCES:
        raise SourceExists(f"A tenant has at most {MOST_SOURCES:,} sources.")
    values = asked.columns | {"id": uuid.uuid4(), "name": name} | _columns(schedule)
    new = insert(Source).values(values).on_conflict_do_nothing().returning(Source.id)
    if connection.scalar(new) is None:
        raise SourceExists(f"There is a source {name} already; change it with PATCH.")


def change_source(connection: Connection, name: str, asked: Asked, schedule: Schedule | None) -> None:
    """`schedule` None: as it was. Raises `NotFound`.

    Another address has no tags yet, and what is to be loaded in another way must come once more.
    """
    source = _source(connection, asked.tenant, name)
    values = {key: value for key, value in asked.columns.items() if key != "tenant"}
    if schedule is not None:
        values |= _columns(schedule)
    if (source.address, source.parameters) != (asked.address, asked.options.to_json()):
        values |= {"etag": None, "last_modified": None}
    connection.execute(update(Source).where(Source.tenant == asked.tenant, Source.id == source.id).values(values))


def delete_source(connection: Connection, tenant: str, name: str) -> None:
    """With the history of its pulls; what they have loaded stays. Raises `NotFound`."""
    gone = delete(Source).where(Source.tenant == tenant, Source.name == name).returning(Source.id)
    if connection.scalar(gone) is None:
        raise no_such_source()


def no_such_source() -> NotFound:
    """The error for a source that does not exist."""
    return NotFound("There is no source with this name.")


def _source(connection: Connection, tenant: str, name: str) -> Row[Any]:
    row = connection.execute(source_by_name(tenant, name)).one_or_none()
    if row is None:
        raise no_such_source()
    return row


def _columns(schedule: Schedule) -> dict[str, Any]:
    if schedule.every_minutes is None:
        return {"every_minutes": None, "next_run_at": None}
    return {"every_minutes": schedule.every_minutes, "next_run_at": schedule.next_run_at or func.clock_timestamp()}
