"""What a file would become."""

from typing import Any

from pydantic import BaseModel, Field

from api.description.schemas.files import Columns, Dialect, FileWarning


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
