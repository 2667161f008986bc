"""Changes: what an upload has changed, or would change; and all changes of a dataset, for those who follow it."""

import uuid
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.schemas.changes import ChangePage, FeedPage
from api.listings.changes_export import ChangesFormat, export_changes
from api.listings.content_negotiation import prefers
from api.listings.feed import read_feed
from api.listings.paging import PageSize, address_with, link_header
from api.listings.row_requests import Name
from api.listings.upload_changes import changes_of, read_changes
from api.tenant_datasets import dataset_of

router = APIRouter(prefix="/api/v1")

_DESCRIPTION: Final = """
What a completed upload has changed when it was published, or what a planned one would change: each record that was
added, changed or removed, with its row before and after, and the names of the fields that differ. Records that are
equal to the row with their key are not listed. A row that is not kept any more is null: that of an upload which was
undone since.

* `csv`: the fields of the row after the change (before it, if it was removed), then `_extra`, and `_before`, the former
  values of what differs, as JSON.
* `jsonl`: on each line a JSON object as the list has it.

With `next_cursor` one reads on. If a plan is counted anew meanwhile, the cursor is refused.
"""
_FEED_DESCRIPTION: Final = """
For another system that keeps a copy of the dataset. Without `since`, the feed begins with all rows that there are.
Send the `cursor` of each answer as `since` of the next request; while `has_more` is true, at once. After that, ask
again whenever you like: nothing is left out, whatever was uploaded, corrected or undone in between.

Each item names a record, by `key`, the values of the dataset's key, or by `id` if it has none, and has its rows as they
are now: one, none if it is gone, or several if uploads were appended that repeat a key. So put the rows of an item in
the place of those that your copy has of this record. A record may come several times.

Cursors from before the time for which superseded rows are kept are refused (`history_expired`); then begin anew.
"""
_FORMATS: Final[dict[ChangesFormat, str]] = {"csv": "text/csv", "jsonl": "application/jsonl"}
_RESPONSES: Responses = {
    200: {
        "description": "A page of changes; all of them as CSV or JSON lines if the client prefers that.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {}},  # of each line: as the items of the list
        },
        "headers": LINK_HEADER,
    },
    **problems(404, 409, 410, 503),
}

CursorText = Annotated[str | None, Query(max_length=512, description="`next_cursor` of the previous page.")]
Since = Annotated[str | None, Query(max_length=512, description="`cursor` of the previous answer.")]
Format = Annotated[
    Literal["json", "csv", "jsonl"] | None, Query(description="Takes precedence over the header Accept.")
]


@router.get(
    "/uploads/{upload_id}/changes",
    response_model=ChangePage,
    responses=_RESPONSES,
    tags=["uploads"],
    summary="List what an upload changes",
    description=_DESCRIPTION,
)
async def list_changes(
    *,
    upload_id: uuid.UUID,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page_size: PageSize = 20,
    cursor: CursorText = None,
    format: Format = None,  # noqa: A002  the parameter's public name
) -> Response:
    """See `_DESCRIPTION`."""
    for file_format, media_type in _FORMATS.items():
        if format == file_format or (format is None and prefers(request, media_type, "application/json")):
            return await export_changes(runtime, upload_id, tenant.name, file_format)
    source = await changes_of(runtime, upload_id, tenant.name)
    changes, next_cursor = await read_changes(runtime, source, cursor, page_size)
    body = {
        "items": [change.document() for change in changes],
        "total": source.total,
        "page_size": page_size,
        "next_cursor": next_cursor,
    }
    links = {"first": address_with(request, cursor=None)} if cursor else {}
    links |= {"next": address_with(request, cursor=next_cursor)} if next_cursor else {}
    return _json(body, link_header(links))


@router.get(
    "/datasets/{name}/changes",
    response_model=FeedPage,
    responses=problems(404, 410, 503),
    tags=["datasets"],
    summary="Follow the changes of a dataset",
    description=_FEED_DESCRIPTION,
)
async def follow_changes(
    *, runtime: RuntimeDep, tenant: TenantDep, name: Name, page_size: PageSize = 100, since: Since = None
) -> Response:
    """See `_FEED_DESCRIPTION`."""
    table = (await dataset_of(runtime, tenant.name, name)).table
    return _json(await read_feed(runtime.read_engine, table, tenant.name, name, since, page_size), {})


def _json(body: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
