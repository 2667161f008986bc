"""The rows of a dataset: filtered, sorted, page by page, or all of them as one file; how many refer to nothing."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import RowMapping

from api.cache.routes import cached
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.schemas.rows import References, RowPage
from api.description.strict_parameters import ROW_FILTERS
from api.listings.as_of import AsOf, require_known
from api.listings.dangling import dangling_rows
from api.listings.paging import PageSize, address_with, link_header
from api.listings.row_export import MEDIA_TYPES, RowExport
from api.listings.row_pages import decode_cursor, encode_cursor, read_rows, sources
from api.listings.row_requests import Fields, Name, Sort, listing_of
from api.tenant_datasets import dataset_of
from shared.catalog.export_formats import ExportFormat
from shared.database.queries.rows import RowListing, collection_number
from shared.database.tenancy import tenant_reading

router = APIRouter(prefix="/api/v1", tags=["datasets"])

_DESCRIPTION: Final = """
Rows of completed uploads of this dataset, each with its fields, `_id`, the upload and the line that it came from, and
`_extra`, the columns without a field. If a field has one of these names, ours has one more `_` before it.

Any other parameter is a filter: `year=1995`, `year__gte=1990`, `year__lt=2000`, `title__prefix=The`,
`genres__has=Drama`, `runtime__null=true`. All filters must hold. Rows without a value of a sort key come last.
"""
_DECLARED: Final = frozenset({"page_size", "sort", "fields", "as_of", "cursor", "tenant"})
_DECLARED_BY_EXPORT: Final = frozenset({"sort", "fields", "as_of", "tenant"})
_RESPONSES: Responses = {200: {"headers": LINK_HEADER}, **problems(404, 409, 410, 431, 503)}

CursorText = Annotated[str | None, Query(max_length=4096, description="`next_cursor` of the previous page.")]


@router.get(
    "/datasets/{name}/rows",
    response_model=RowPage,
    responses=_RESPONSES,
    summary="List the rows of a dataset",
    description=_DESCRIPTION,
    openapi_extra={"parameters": [ROW_FILTERS]},
)
@cached(dataset="name")
async def list_rows(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    name: Name,
    page_size: PageSize = 20,
    sort: Sort = "",
    fields: Fields = "",
    as_of: AsOf = None,
    cursor: CursorText = None,
) -> Response:
    """See `_DESCRIPTION`."""
    listing = await listing_of(request, runtime, tenant.name, name, sort, fields, as_of, _DECLARED)
    after = None if cursor is None else decode_cursor(cursor, listing, name)
    rows, total = await read_rows(runtime.read_engine, listing, after, page_size + 1)
    await require_known(runtime.read_engine, tenant.name, listing.table.name, as_of, listing.later)
    is_more, rows = len(rows) > page_size, rows[:page_size]
    next_cursor = encode_cursor(listing, name, rows[-1]) if is_more else None
    found = await sources(runtime.read_engine, tenant.name, [row["id"] for row in rows])
    body = {
        "items": [_row(row, listing, found) for row in rows],
        "total": total,
        "page_size": page_size,
        "next_cursor": next_cursor,
    }
    links = {"first": address_with(request, cursor=None)} if cursor else {}
    links |= {"next": address_with(request, cursor=next_cursor)} if next_cursor else {}
    return _json(body, link_header(links))


@router.get("/datasets/{name}/references", responses=problems(404, 503), summary="Count the rows that refer to nothing")
async def count_dangling(*, runtime: RuntimeDep, tenant: TenantDep, name: Name) -> References:
    """Files of IMDb refer to each other by ids. For each field with such ids: how many rows of this dataset have one
    that no row of the tenant has in the other table, whatever dataset loaded that. Such rows are loaded all the same.
    """
    table = (await dataset_of(runtime, tenant.name, name)).table
    async with runtime.summary_locks.held(tenant.name):  # for millions of rows it keeps a core busy for seconds
        async with tenant_reading(runtime.read_engine, tenant.name) as connection:
            number = await connection.scalar(collection_number(tenant.name, table.name, name))
        items = await dangling_rows(runtime.read_engine, table, runtime.registry.tables, tenant.name, number)
    return References(items=items)


_EXPORT_DESCRIPTION: Final = """
All rows that match as one file, of any size, as they are at one moment. The parameters are those of the list of rows;
there are no pages. Each row has its fields, then `_id`, `_upload_id`, `_line` and `_extra`.

* `csv`: RFC 4180 in UTF-8 with a header. Null is an empty cell, an empty text is `""`. Lists and `_extra` are JSON. No
  cell is changed for the sake of spreadsheets.
* `jsonl`: on each line a JSON object as the list of rows has it.
* `parquet`, and `arrow` (a stream in Arrow's IPC format): columns of the table's types; `_extra` is JSON as text.

If an error ends the export early, the connection ends without the end of the answer: a file without it is not complete.
"""
_EXPORT_RESPONSES: Responses = {
    200: {
        "description": "The file.",
        "content": {
            media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media_type in MEDIA_TYPES.values()
        },
        "headers": {
            "Content-Disposition": {
                "description": "The name of the dataset and the format.",
                "schema": {"type": "string"},
                "example": 'attachment; filename="movies.csv"',
            }
        },
    },
    **problems(404, 409, 410, 431, 503),
}


@router.get(
    "/datasets/{name}/rows.{file_format}",
    response_class=Response,
    responses=_EXPORT_RESPONSES,
    summary="Export the rows of a dataset",
    description=_EXPORT_DESCRIPTION,
    openapi_extra={"parameters": [ROW_FILTERS]},
)
async def export_rows(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    name: Name,
    file_format: Annotated[ExportFormat, Path(description="The format of the file.")],
    sort: Sort = "",
    fields: Fields = "",
    as_of: AsOf = None,
) -> Response:
    """See `_EXPORT_DESCRIPTION`."""
    listing = await listing_of(request, runtime, tenant.name, name, sort, fields, as_of, _DECLARED_BY_EXPORT)

    async def confirm() -> None:
        await require_known(runtime.read_engine, tenant.name, listing.table.name, as_of, listing.later)

    return RowExport(runtime, listing, name, file_format, confirm)


def _row(row: RowMapping, listing: RowListing, found: Mapping[int, RowMapping]) -> dict[str, Any]:
    source, names = found.get(row["id"]), listing.table.origin_names
    return {
        **{field.public_name: row[field.name] for field in listing.fields},
        names["id"]: row["id"],
        names["upload_id"]: None if source is None else str(source["upload_id"]),
        names["line"]: None if source is None else row["id"] - source["first_id"],
        names["extra"]: row["extra"],
    }


def _json(body: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
