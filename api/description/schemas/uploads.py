"""Uploads: their state, their progress and their history."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.description.schemas.changes import Plan
from api.description.schemas.files import Columns, Dialect, FileWarning
from shared.catalog.write_mode import WriteMode
from shared.database.models import UploadKind
from shared.database.state_machine import UploadState
from shared.messaging import Transport

Phase = Literal["queued", "loading", "indexing", "planned", "done"]
Action = Annotated[str | None, Field(exclude_if=lambda address: address is None)]


class Records(BaseModel):
    """The record counts; always read = loaded + rejected + duplicate. A failed upload counts only its rejects."""

    read: int = Field(examples=[5000])
    loaded: int = Field(examples=[4988])
    rejected: int = Field(examples=[12])
    duplicate: int = Field(examples=[0])


class Progress(BaseModel):
    """How far the loading has come, in bytes of the stored (unpacked) content."""

    bytes_done: int = Field(examples=[2713600])
    bytes_total: int = Field(examples=[2713600])
    percent: float = Field(examples=[100.0])
    records_per_second: float | None = Field(examples=[61250.4])
    eta_seconds: float | None = Field(
        description="Until all records are loaded. Null in other phases: how long indexes take is not known.",
        examples=[None],
    )
    index_steps_done: int | None = Field(
        default=None,
        description="While a large upload is indexing: how many indexes and counts are done.",
        examples=[4],
    )
    index_steps_total: int | None = Field(default=None, description="And how many there are.", examples=[9])


class UploadError(BaseModel):
    """Why an upload failed."""

    code: str = Field(examples=["attempts_exhausted"])
    message: str


class UploadLinks(BaseModel):
    """Links to related resources. An action has a link only while the upload's state allows it."""

    self: str
    rejects: str
    movies: str
    changes: Action = None
    apply: Action = None
    cancel: Action = None
    retry: Action = None
    undo: Action = None


class Counts(BaseModel):
    """What the records of an upload change, compared by key with the rows before them."""

    new: int = Field(description="Records whose key no row had.", examples=[20])
    changed: int = Field(description="Records with other values than the row with their key.", examples=[3])
    unchanged: int = Field(description="Records that equal the row with their key.", examples=[977])
    removed: int = Field(description="Rows whose key no record has, and which are gone.", examples=[1])
    duplicate: int = Field(description="Records with the key of an earlier record of the file.", examples=[0])


class Upload(BaseModel):
    """One file that the API has stored and registered."""

    id: uuid.UUID
    number: int = Field(description="Uploads are numbered in the order in which they were registered.", examples=[17])
    filename: str = Field(examples=["movies.csv"])
    member: str | None = Field(description="Of an archive: which of its files was loaded.")
    dataset: str = Field(examples=["movies"])
    dialect: Dialect
    columns: Columns | None = Field(description="Null for uploads of earlier versions.")
    table_schema: dict[str, Any] = Field(
        description="How the values are written, as a Table Schema with only what differs: what the client said, and"
        " the formats of dates that the file shows.",
        examples=[{"fields": [{"name": "release_date", "format": "%d/%m/%Y"}]}],
    )
    tenant: str = Field(examples=["public"])
    state: UploadState
    outcome: Literal["complete", "partial"] | None = Field(
        description="Whether a completed upload has all of its records, or some are rejected. Null in other states.",
        examples=["complete"],
    )
    phase: Phase
    kind: UploadKind = Field(description="A file that a client has sent, or one record that a person has written.")
    mode: WriteMode = Field(description="What it does to the rows that its dataset has had before.")
    counts: Counts | None = Field(
        description="What a completed upload changed when it was published, or what a planned one would change. Null in"
        " other states, and for some seconds after a large upload has replaced others."
    )
    plan: Plan | None = Field(
        default=None, description="What is needed to decide about a planned upload; in other answers it is null."
    )
    superseded_by: uuid.UUID | None = Field(description="The upload that has replaced it, so that no row is visible.")
    sha256: str = Field(description="SHA-256 of the bytes that the client sent, in hex.")
    size_bytes: int = Field(description="Number of bytes that the client sent.", examples=[2713600])
    records: Records
    progress: Progress
    attempts: int
    transport: Transport
    created_at: datetime
    started_at: datetime | None
    planned_at: datetime | None = Field(default=None, description="When its changes were last counted for a plan.")
    finished_at: datetime | None
    error: UploadError | None
    warnings: list[FileWarning] = Field(description="Complete as soon as the upload has ended.")
    on_error: Literal["skip", "abort"]
    max_rejects: str | None = Field(description="A count or a percentage; null means any number.", examples=["2.5%"])
    corrects: uuid.UUID | None = Field(
        default=None,
        description="The upload whose rejected records this correction replaces; its movies belong to that upload.",
        examples=[None],
    )
    deduplicated: bool = Field(
        default=False,
        description="True in the answer to a request with the bytes of an earlier upload; this is the earlier upload.",
    )
    links: UploadLinks


class UploadPage(BaseModel):
    """Uploads, newest first."""

    items: list[Upload]
    total: int
    page: int
    page_size: int


class UploadEvent(BaseModel):
    """One event of an upload: a new state, or an incident such as a batch that another loader took over."""

    at: datetime
    event: str = Field(examples=["loading", "batch_taken_over"])
    reason: str | None = Field(examples=["batch 3, attempt 2"])


class UploadHistory(BaseModel):
    """All events of an upload, oldest first."""

    items: list[UploadEvent]
