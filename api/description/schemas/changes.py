"""What uploads change, and the feed of a dataset."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

Row = dict[str, Any]


class Change(BaseModel):
    """A record that was added, changed or removed."""

    change: Literal["added", "changed", "removed"]
    key: Row = Field(description="The values of its key; {} if it has none.", examples=[{"source_id": "tt0000001"}])
    line: int | None = Field(description="The line of the record in the file; null if it is removed.", examples=[17])
    fields: list[str] = Field(
        description="The fields that differ, of a changed record, or `_extra`.", examples=[["title"]]
    )
    before: Row | None = Field(examples=[{"source_id": "tt0000001", "title": "Carmencita", "_id": 4503599627370498}])
    after: Row | None = Field(examples=[{"source_id": "tt0000001", "title": "Carmencita!", "_id": 4503603922337794}])


class ChangePage(BaseModel):
    """Changes of an upload, in the order of its records; removed rows are where their key was met, or at the end."""

    items: list[Change]
    total: int
    page_size: int
    next_cursor: str | None = Field(examples=[None])


class Plan(BaseModel):
    """A plan that waits for a decision: what the upload would change is in `counts`, and in `/changes`."""

    etag: str = Field(description="Send it as If-Match, to apply just this plan.", examples=['"1795510923456789"'])
    expires_at: datetime = Field(description="When it is cancelled, unless somebody applies it before.")
    sample: list[Change] = Field(description="The first changes.")


class FollowedRecord(BaseModel):
    """A record that may have changed, and its rows as they are now."""

    key: Row | None = Field(description="The values of its key.", examples=[{"source_id": "tt0000001"}])
    id: int | None = Field(description="The id of its row, if it has no key.", examples=[None])
    rows: list[Row] = Field(examples=[[{"source_id": "tt0000001", "title": "Carmencita", "_id": 4503599627370498}]])


class FeedPage(BaseModel):
    """Records that may have changed since the cursor."""

    items: list[FollowedRecord]
    cursor: str = Field(description="Send it as `since` of the next request.")
    has_more: bool = Field(description="Whether there is more to read at once.")
