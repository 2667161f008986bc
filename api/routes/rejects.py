"""Rejects of an upload: pages with a summary, or all rejected records as CSV."""

import uuid
from collections import defaultdict
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import RowMapping, Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.dependencies import RuntimeDep, Tenant, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.schemas.rejects import Reject, RejectGroup, RejectPage, RejectSample
from api.listings.content_negotiation import prefers
from api.listings.paging import PageNumber, PageSize, link_header, offset_of, page_links
from api.listings.rejects_export import download
from api.listings.upload_documents import no_such_upload
from shared.advice.hints import Advisor
from shared.database.queries.rejects import (
    RejectFilter,
    first_samples,
    reject_groups,
    rejects_in_file_order,
    samples_at,
)
from shared.database.queries.uploads import upload_number
from shared.database.tenancy import tenant_reading

router = APIRouter(prefix="/api/v1", tags=["uploads"])

_EXAMPLE: Final = (
    "_line,_column,_code,_message,_hint,tconst,startYear\r\n"
    "42,startYear,not_a_year,startYear must be a year in four digits,write 1999,tt0000042,(1999)\r\n"
)
_RESPONSES: Responses = {
    200: {
        "description": (
            "A page of rejects. With `Accept: text/csv` or `?format=csv`: all rejected records that match, in the"
            " dialect and encoding of the file. Each has five added cells in front, then the record as it was. The"
            " media type is text/tab-separated-values if the delimiter is a tab."
        ),
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE},
            "text/tab-separated-values": {"schema": {"type": "string"}},
        },
        "headers": LINK_HEADER,
    },
    **problems(404, 410, 503),
}

Column = Annotated[
    str | None,
    Query(pattern=r"^[^\x00]*$", max_length=255, description="Only rejects of this column.", examples=["title"]),
]
Code = Annotated[
    str | None,
    Query(pattern=r"^[a-z0-9_.-]{1,63}$", description="Only rejects with this code.", examples=["not_a_date"]),
]
Spreadsheet = Annotated[
    bool,
    Query(
        description="Make the CSV safe for spreadsheets: cells that look like formulas get an apostrophe in front."
        " A correction removes it again."
    ),
]
Format = Annotated[Literal["json", "csv"] | None, Query(description="Takes precedence over the header Accept.")]


@router.get(
    "/uploads/{upload_id}/rejects",
    response_model=RejectPage,
    responses=_RESPONSES,
    summary="List rejects, or download rejected records",
)
async def list_rejects(
    *,
    upload_id: uuid.UUID,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page: PageNumber = 1,
    page_size: PageSize = 20,
    column: Column = None,
    code: Code = None,
    format: Format = None,  # noqa: A002  the parameter's public name
    spreadsheet: Spreadsheet = False,
) -> RejectPage | Response:
    """Each reject with its line, column, code, message, value and hint; `summary` groups all rejects that match.

    You can correct the records of the CSV and send them back.
    """
    if format == "csv" or (format is None and prefers(request, "text/csv", "application/json")):
        return await download(runtime, upload_id, tenant, column, code, is_for_spreadsheet=spreadsheet)
    offset = offset_of(page, page_size)
    engine, number = runtime.read_engine, await _number_of(runtime.read_engine, upload_id, tenant)
    wanted = RejectFilter(number, column, code)
    async with (
        runtime.summary_locks.held(tenant.name),  # for millions of rejects the summary keeps a core busy for seconds
        tenant_reading(engine, tenant.name, upload_number=number, is_snapshot=True) as connection,
    ):
        summary = await _summary(connection, wanted)
        page_of = rejects_in_file_order(wanted).limit(page_size).offset(offset)
        items = [_reject(row, runtime.advisor) for row in (await connection.execute(page_of)).mappings()]
    total = sum(group.count for group in summary)
    response.headers.update(link_header(page_links(request, page, page_size, total)))
    return RejectPage(items=items, total=total, page=page, page_size=page_size, summary=summary)


async def _number_of(engine: AsyncEngine, upload_id: uuid.UUID, tenant: Tenant) -> int:
    async with tenant_reading(engine, tenant.name) as connection:
        number: int | None = (await connection.execute(upload_number(upload_id, tenant.name))).scalar_one_or_none()
    if number is None:
        raise no_such_upload()
    return number


def _reject(row: RowMapping, advisor: Advisor) -> Reject:
    return Reject(**row, hint=advisor.hint(row["code"], row["column"], row["value"]))


async def _summary(connection: AsyncConnection, wanted: RejectFilter) -> list[RejectGroup]:
    groups = (await connection.execute(reject_groups(wanted))).all()
    samples = await _samples(connection, first_samples(wanted)) if groups else {}
    late = {first_line for column, code, _, first_line in groups if (column, code) not in samples}
    late_samples = await _samples(connection, samples_at(wanted, late)) if late else {}
    return [
        RejectGroup(column=column, code=code, count=count, samples=(late_samples | samples)[column, code])
        for column, code, count, _ in groups
    ]


async def _samples(
    connection: AsyncConnection, statement: Select[str | None, str, int, str | None]
) -> dict[tuple[str | None, str], list[RejectSample]]:
    samples: defaultdict[tuple[str | None, str], list[RejectSample]] = defaultdict(list)
    for column, code, line_number, value in await connection.execute(statement):
        samples[column, code].append(RejectSample(line_number=line_number, value=value))
    return samples
