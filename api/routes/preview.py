"""POST /preview: what a file would become, from its beginning."""

from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import UPLOAD_BODY, problems
from api.description.schemas.previews import Preview
from api.description.suggestions import unknown_name
from api.http_errors import UnknownDataset
from api.intake.request_body import FileSource, RequestBody, file_source
from api.intake.table_parameters import TableParameters
from api.intake.text_parameters import TextParameters, with_charset
from api.intake.upload_intake import Filename, Member
from api.tenant_datasets import declared_by
from shared.catalog.schemas.declaration import stored_dataset
from shared.ingest.preview.beginning import MOST_BYTES, Beginning

router = APIRouter(prefix="/api/v1", tags=["upload"])


@router.post(
    "/preview",
    response_model=Preview,
    responses=problems(400, 413, 415, 431, 503),
    openapi_extra=UPLOAD_BODY,
    summary="Show what a file would become",
)
async def preview_file(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    text: Annotated[TextParameters, Depends()],
    table: Annotated[TableParameters, Depends()],
    dataset: Annotated[str | None, Query(max_length=63, description="Name of a dataset from GET /datasets.")] = None,
    filename: Filename = None,
    member: Member = None,
) -> Response:
    """Read the first MiB of a file and keep nothing: the dialect, the datasets that it fits, a Table Schema of its own,
    and the first records as they would load.
    """
    declarations = await declared_by(runtime, tenant.name)
    registry = runtime.registry.with_declared(stored_dataset(*each) for each in declarations)
    if dataset is not None and dataset not in registry:
        raise unknown_name(UnknownDataset, "There is no dataset", dataset, registry.names)
    mapping, schema, names, options = table.column_mapping, table.table_schema, table.names, text.options
    source = file_source(request, RequestBody(request), filename)
    content, is_whole = await _beginning_of(source)
    options = with_charset(options, source.charset)
    beginning = Beginning(
        content=content,
        is_whole=is_whole,
        filename=source.filename,
        options=replace(options, header=names),
        member=member,
        dataset=dataset,
        mapping=mapping,
        schema=schema,
        declarations=declarations,
    )
    return Response(orjson.dumps(await runtime.previews.preview(beginning)), media_type="application/json")


async def _beginning_of(source: FileSource) -> tuple[bytes, bool]:
    """The first bytes, and whether they are all of the file."""
    parts, size = list[bytes](), 0
    async for chunk in source.chunks():
        parts.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            return b"".join(parts)[:MOST_BYTES], False
    return b"".join(parts), True
