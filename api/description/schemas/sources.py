"""Sources, and pulls: files that the service fetches from addresses."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api.description.schemas.uploads import UploadError
from shared.catalog.write_mode import WriteMode
from shared.messaging import Transport

# Documented here; what else is wrong with an address has a code of its own.
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        description="Where the file is, by https. The host is one that the operator of the service has listed.",
        examples=["https://datasets.imdbws.com/title.basics.tsv.gz"],
    ),
]
SourceName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$", description="Its name.", examples=["imdb-title-basics"]),
]


def _in_utc(moment: datetime) -> datetime:
    """The same moment, because PostgreSQL takes no offset of more than 15:59."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be of the years 1 to 9999 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_Text = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f]+$")]


class AddressBody(BaseModel):
    """Instead of a file: where it is. The parameters of the query say what to do with it, as with any upload."""

    model_config = ConfigDict(extra="forbid")

    url: Url


class SourceFile(BaseModel):
    """How the files of a source are read and loaded; see the parameters of `POST /upload`."""

    filename: _Text | None = Field(default=None, description="By default what follows the last slash of the address.")
    dataset: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(
        default=None, description="By default the header decides, each time.", examples=["title.basics"]
    )
    member: _Text | None = Field(default=None, description="Which member of an archive is the table.")
    mode: WriteMode | None = Field(
        default=None, description="By default as the dataset says. A file that is always the whole: `replace`."
    )
    on_error: Literal["skip", "abort"] | None = None
    max_rejects: (
        Annotated[str, Field(pattern=r"^([0-9]{1,15}|[0-9]{1,3}(\.[0-9]{1,6})?%)$", examples=["2.5%"])] | None
    ) = None
    use_celery: bool = Field(default=False, description="Whether workers fetch and load it, or the API itself.")


class SourceBody(SourceFile):
    """A new source."""

    model_config = ConfigDict(extra="forbid")

    name: SourceName
    url: Url
    every_minutes: int | None = Field(
        default=None, ge=1, le=525_600, description="How often it is pulled. Null: only on demand.", examples=[1440]
    )
    starts_at: Moment | None = Field(
        default=None, description="When it is pulled first; the others follow from that. By default at once."
    )


class SourceChanges(BaseModel):
    """What changes; the rest stays. A null is the default again."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    filename: _Text | None = None
    dataset: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    member: _Text | None = None
    mode: WriteMode | None = None
    on_error: Literal["skip", "abort"] | None = None
    max_rejects: Annotated[str, Field(pattern=r"^([0-9]{1,15}|[0-9]{1,3}(\.[0-9]{1,6})?%)$")] | None = None
    use_celery: bool | None = None
    every_minutes: int | None = Field(default=None, ge=1, le=525_600, examples=[60])
    starts_at: Moment | None = None


class SourceLinks(BaseModel):
    """Addresses: of the source, of its history, and of what pulls it now."""

    self: str = Field(examples=["/api/v1/sources/imdb-title-basics"])
    runs: str
    run: str


class Source(SourceFile):
    """An address that is fetched again and again, under a name."""

    name: str = Field(examples=["imdb-title-basics"])
    tenant: str = Field(examples=["public"])
    url: str = Field(examples=["https://datasets.imdbws.com/title.basics.tsv.gz"])
    every_minutes: int | None = Field(examples=[1440])
    next_run_at: datetime | None = Field(description="Null without a schedule.")
    etag: str | None = Field(description="Of the file that was loaded last, if its server gives one.")
    last_modified: str | None = Field(examples=["Sat, 28 Nov 2026 10:00:00 GMT"])
    upload_id: uuid.UUID | None = Field(description="The upload of the file that was fetched last.")
    created_at: datetime
    links: SourceLinks


class Sources(BaseModel):
    """The sources of the tenant, by name."""

    items: list[Source]


class PullLinks(BaseModel):
    """Addresses: of the pull, and of the upload that has come of it."""

    self: str = Field(examples=["/api/v1/pulls/0d0b4e8c-7a64-4b5a-9f27-6e3a3d0f2b11"])
    upload: str | None


class Pull(BaseModel):
    """A file that is fetched from an address, or was."""

    id: uuid.UUID
    tenant: str = Field(examples=["public"])
    source: str | None = Field(description="The name of its source. Null: a client has named the address itself.")
    url: str = Field(examples=["https://datasets.imdbws.com/title.basics.tsv.gz"])
    filename: str = Field(examples=["title.basics.tsv.gz"])
    state: Literal["waiting", "fetching", "fetched", "unchanged", "failed"] = Field(
        description="`fetched`: it is a new upload; `unchanged`: there was an upload of this file already."
    )
    transport: Transport
    attempts: int = Field(examples=[1])
    upload_id: uuid.UUID | None
    size_bytes: int | None = Field(description="Of what came; 0 if the server said that nothing has changed.")
    error: UploadError | None = Field(description="What went wrong the last time.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null unless it waits.")
    ended_at: datetime | None
    links: PullLinks


class PullPage(BaseModel):
    """Pulls of a source, the newest first."""

    items: list[Pull]
    total: int
    page: int
    page_size: int
