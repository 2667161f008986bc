"""The models of the API's answers. Times are RFC 3339, in UTC with Z."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.write_mode import WriteMode
from shared.database.state_machine import UploadState
from shared.messaging import Transport

Phase = Literal["queued", "loading", "indexing", "done"]


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
    eta_seconds: float | None = Field(description="Null unless the upload is loading.", examples=[None])


class UploadError(BaseModel):
    """Why an upload failed."""

    code: str = Field(examples=["attempts_exhausted"])
    message: str


class UploadLinks(BaseModel):
    """Links to related resources. An action has a link only while the upload's state allows it."""

    self: str
    rejects: str
    movies: str
    cancel: Action = None
    retry: Action = None
    undo: Action = None


class Dialect(BaseModel):
    """How the file is written, as the service recognised it or the client stated it."""

    delimiter: str = Field(examples=[","])
    quoting: bool = Field(description="Whether cells may be wrapped in quotes.")
    quote: str = Field(examples=['"'])
    escape: str = Field(description="The character before a quote inside a quoted cell: a quote or a backslash.")
    nulls: list[str] = Field(description="Cell texts that mean null.", examples=[["", "\\N"]])
    newline: Literal["\n", "\r\n", "\r", "\r\r\n"]
    header_line: int = Field(
        description="Line of the header, from 1; earlier lines are skipped. 0: the file has no header.", examples=[1]
    )
    skip_initial_space: bool = Field(description="Whether the space after each delimiter is not part of the cell.")
    paired_colons: bool = Field(
        default=False, description="Whether two colons stand in the file where `delimiter` says a tab."
    )
    encoding: str = Field(examples=["utf-8"])
    bom: bool = Field(description="Whether the file begins with a byte order mark.")
    is_quoting_guessed: bool = Field(description="Whether the service recognised `quoting`.")
    is_encoding_guessed: bool = Field(
        default=False,
        description="Whether evidence in the text was all that showed the encoding: neither the client nor a byte order"
        " mark said it, and the text is not valid UTF-8.",
    )


class Columns(BaseModel):
    """Which columns of the file feed the dataset."""

    mapped: dict[str, str] = Field(
        description="Name in the file's header, and name of the dataset's column that it feeds.",
        examples=[{"movie_title": "title"}],
    )
    missing: list[str] = Field(description="The dataset's columns that the file lacks: null in each of its movies.")
    extra: list[str] = Field(description="Names in the header whose text is kept in each movie's `extra`.")


class LineRange(BaseModel):
    """Lines `line` to `to_line` of the file, counted from 1."""

    line: int
    to_line: int


class FileWarning(BaseModel):
    """Something to know about a file that the service could load."""

    code: str = Field(examples=["blank_lines"])
    message: str
    count: int = Field(description="How often it occurs.", examples=[3])
    locations: list[LineRange] = Field(description="The first of its locations.")


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
    mode: WriteMode = Field(description="What it does to the rows that its dataset has had before.")
    counts: Counts | None = Field(
        description="What a completed upload changed when it was published. Null in other states, and for some seconds"
        " after a large upload has replaced others."
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


class Reject(BaseModel):
    """One reason why one record was not loaded."""

    line_number: int = Field(description="The line at which the record begins, from 1.", examples=[42])
    column: str | None = Field(examples=["release_date"])
    code: str = Field(examples=["invalid_date"])
    message: str = Field(examples=["not a real date"])
    value: str | None = Field(examples=["2023-02-30"])
    hint: str | None = Field(
        default=None,
        description="How to correct the value, if the service can say.",
        examples=["February 2023 has 28 days"],
    )


class RejectSample(BaseModel):
    """One record that broke the rule."""

    line_number: int
    value: str | None


class RejectGroup(BaseModel):
    """All rejects of one column and code."""

    column: str | None
    code: str
    count: int
    samples: list[RejectSample]


class RejectPage(BaseModel):
    """A page of rejects in the order of the file, and a summary of all rejects that match."""

    items: list[Reject]
    total: int
    page: int
    page_size: int
    summary: list[RejectGroup]


class RowPage(BaseModel):
    """A page of rows: each with its fields, `_id`, `_upload_id`, `_line` and `_extra`."""

    items: list[dict[str, Any]]
    total: int
    page_size: int
    next_cursor: str | None


class DanglingRows(BaseModel):
    """How many rows have a value of `field` that is the `target_field` of no row in `table`."""

    field: str = Field(examples=["title_id"])
    table: str = Field(examples=["movies"])
    target_field: str = Field(examples=["source_id"])
    dangling: int = Field(description="Of a field with several values: rows with any such value.", examples=[12])


class References(BaseModel):
    """The references of a dataset's table to other tables."""

    items: list[DanglingRows]


class Duplicate(BaseModel):
    """A record that was not loaded, because it repeats the key of the one at `first_line`."""

    line_number: int = Field(examples=[712])
    first_line: int = Field(examples=[48])


class DuplicatePage(BaseModel):
    """A page of duplicates in the order of the file."""

    items: list[Duplicate]
    total: int
    page: int
    page_size: int


class Movie(BaseModel):
    """One loaded record; null means unknown."""

    id: int = Field(examples=[73014444047])
    title: str = Field(examples=["Metropolis"])
    original_title: str | None = Field(examples=["Metropolis"])
    title_type: str | None = Field(examples=["movie"])
    original_language: str | None = Field(examples=["de"])
    overview: str | None
    release_date: date | None = Field(examples=["1927-01-10"])
    release_year: int | None = Field(examples=[1927])
    end_year: int | None
    runtime: int | None = Field(description="Minutes.", examples=[153])
    is_adult: bool | None
    budget: int | None
    revenue: int | None
    status: str | None = Field(examples=["Released"])
    vote_average: float | None = Field(examples=[8.1])
    vote_count: int | None
    languages: list[str] | None
    genres: list[str] | None
    homepage: str | None
    genre_id: int | None
    production_company_id: int | None
    source_id: str | None = Field(
        description="The key in the source, for example IMDb's tconst.", examples=["tt0017136"]
    )
    tenant: str = Field(examples=["public"])
    extra: dict[str, Any] | None = Field(description="Columns of the file that the dataset does not define.")


class MovieSource(BaseModel):
    """The line of the upload that a movie came from."""

    upload_id: uuid.UUID
    upload_number: int
    filename: str
    line_number: int


class MovieDetail(Movie):
    """A movie and its source."""

    source: MovieSource


class MoviePage(BaseModel):
    """A page of movies in the requested order."""

    items: list[Movie]
    total: int
    page: int
    page_size: int
    next_cursor: str | None


class DatasetField(BaseModel):
    """A field of a table."""

    name: str
    type: str = Field(description="Its type, as a Table Schema calls it.", examples=["integer"])
    description: str


class RowTable(BaseModel):
    """Where the rows of a dataset land: what /rows can filter and sort by."""

    name: str = Field(examples=["movies"])
    fields: list[DatasetField]
    key: list[str] = Field(description="The fields that together identify a row. Empty: nothing does.")
    indexes: list[list[str]] = Field(description="The fields of each index, which serve filters and orders.")


class DatasetSummary(BaseModel):
    """One kind of file: its columns with their rules, and its table."""

    name: str = Field(examples=["title.basics"])
    title: str
    description: str
    is_declared: bool = Field(description="Whether the tenant has declared it. The others are built in.")
    mode: WriteMode = Field(description="What a file does to the rows before it, unless its upload says otherwise.")
    nulls: list[str] = Field(description="Cell texts that mean null.", examples=[["", "\\N"]])
    columns: list[dict[str, Any]]
    row_rules: list[dict[str, str]]
    table: RowTable


class Datasets(BaseModel):
    """The built-in datasets and those that the tenant has declared."""

    items: list[DatasetSummary]


class DeclarationBody(BaseModel):
    """A dataset: a name, a Table Schema (Frictionless), and which fields to index."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$",
        description="Its name, which no other dataset of the tenant has.",
        examples=["box_office"],
    )
    title: str = Field(default="", max_length=5_000)
    description: str = Field(default="", max_length=5_000)
    table_schema: dict[str, Any] = Field(
        alias="schema",
        description="A Table Schema: `fields` with `name`, `type`, `format` and `constraints`; `primaryKey`;"
        " `missingValues`.",
        examples=[{"fields": [{"name": "title"}, {"name": "gross", "type": "integer"}], "primaryKey": "title"}],
    )
    mode: WriteMode = Field(
        default=WriteMode.APPEND,
        description="What a file does to the rows before it, unless its upload says otherwise. `upsert` needs a"
        " `primaryKey`.",
    )
    indexes: list[str | list[str]] = Field(
        default=[], description="Which fields to index, each alone or several together.", examples=[["gross"]]
    )


class DatasetDetail(DatasetSummary):
    """A dataset with its Table Schema. That of a built-in one comes near it; its rules take more notations."""

    model_config = ConfigDict(populate_by_name=True)

    table_schema: dict[str, Any] = Field(alias="schema")
    version: int | None = Field(description="Grows with each change. Null for built-in datasets.", examples=[1])


class PreviewReject(BaseModel):
    """Why a record of the preview would be rejected."""

    line_number: int
    column: str | None
    code: str
    message: str
    value: str | None


class PreviewRecords(BaseModel):
    """How many records the beginning of the file holds, and how many of them would be rejected."""

    read: int
    rejected: int


class Preview(BaseModel):
    """What the beginning of a file would become."""

    dataset: str | None = Field(description="The dataset that it would be uploaded as. Null if it would be refused.")
    error: dict[str, Any] | None = Field(description="Why it would be refused, as the upload would say it.")
    candidates: list[dict[str, Any]] = Field(description="The nearest datasets, with their score and mapping.")
    declaration: dict[str, Any] = Field(
        description="A dataset for such files, with the Table Schema that the records show. It can be edited, and sent"
        " to POST /datasets."
    )
    dialect: Dialect
    header: list[str]
    columns: Columns
    table_schema: dict[str, Any]
    records: PreviewRecords
    rows: list[dict[str, Any]] = Field(
        description="The first rows as they would load: as `dataset`, otherwise as `declaration`."
    )
    rejects: list[PreviewReject]
    warnings: list[FileWarning]


class Tenant(BaseModel):
    """A tenant, with its number of uploads and of visible movies."""

    name: str = Field(examples=["public"])
    uploads: int
    movies: int


class Tenants(BaseModel):
    """The tenants of the key, or without keys all tenants with uploads."""

    items: list[Tenant]
    total: int


class Pong(BaseModel):
    """The API's process answers."""

    ping: Literal["pong"] = "pong"


class ServiceHealth(BaseModel):
    """The health of one service."""

    status: Literal["ok", "unavailable"]
    backend: str | None = Field(description="The kind of server that answered.", examples=["postgresql"])
    milliseconds: float


class Health(BaseModel):
    """The database and the broker answer."""

    status: Literal["ok"] = "ok"
    database: ServiceHealth
    broker: ServiceHealth
    warnings: list[str] = Field(
        description="What an operator should change before it does harm.",
        examples=[["max_locks_per_transaction is 64: queries over many partitions may fail."]],
    )


class DatabaseHealth(BaseModel):
    """The database answers."""

    status: Literal["ok"] = "ok"
    database: ServiceHealth
    revision: str | None = Field(description="Alembic revision; null before the first migration.")
    warnings: list[str] = Field(description="What an operator should change before it does harm.")


class FieldProblem(BaseModel):
    """One part of the request that is not valid."""

    location: str = Field(examples=["query.page_size"])
    message: str
    code: str


class Problem(BaseModel):
    """RFC 9457 problem document; a code may have further members of its own."""

    type: str = Field(
        description="Link to the explanation of the code, relative to the API's address.",
        examples=["/errors#not_found"],
        json_schema_extra={"format": "uri-reference"},
    )
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; programs can rely on it.", examples=["not_found"])
    trace_id: str
    errors: list[FieldProblem] | None = None
