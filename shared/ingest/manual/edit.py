"""What a person asks for: one record, as it shall be. It is apart from what carries it out, which needs pandera."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.ingest.intake.idempotency import Reservation

# The line of the record in the file that is written of it.
FIRST_LINE: Final = 2


@dataclass(frozen=True)
class Edit:
    """A record to add, to change or to remove.

    `target`: the id of the row that is changed or removed; None for a new record. `values`: all of the record by the
    names of fields, as JSON has them; None to remove it. `has_key`: whether the row has the key of its table, or may
    get one. `extra`: what the row has beside its fields. `reservation`: the idempotency key that the request holds.
    """

    tenant: str
    trace_id: str
    dataset: str
    values: Mapping[str, Any] | None
    target: int | None = None
    has_key: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)
    reservation: Reservation | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Edited:
    """What became of it: the upload, None if the record is what it was; and the id of its row, None if it is gone."""

    upload_id: uuid.UUID | None
    row_id: int | None
