"""Records that were not loaded: rejects and duplicates."""

from pydantic import BaseModel, Field


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
