"""Movies that people write: add one, change its fields, remove it. Each edit is an upload of the kind `manual`."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Body, Header, Request, Response

from api.browsing.movie_details import FoundMovie, find_movie
from api.browsing.record_tags import is_match
from api.dependencies import RuntimeDep, Tenant, TenantDep
from api.description.openapi import MOVIE_TAG_HEADER, Responses, problems
from api.description.openapi_links import MOVIE_LINKS
from api.description.problem_locations import MOST_LISTED, detail_of, field_problem, not_listed
from api.description.schemas.movie_edits import MovieChanges, NewMovie
from api.description.schemas.rows import MovieDetail
from api.description.suggestions import did_you_mean, unknown_name
from api.http_errors import PreconditionRequired, UnknownDataset
from api.intake.record_edit import Written, apply_edit, apply_once
from api.intake.upload_intake import IdempotencyKey
from api.listings.upload_documents import MOVIES_PATH, upload_path
from api.routes.movies import MovieId
from api.runtime import Runtime
from shared.catalog.dataset import Dataset
from shared.catalog.datasets.manual import DATASET as MANUAL
from shared.catalog.hand_made import hand_made
from shared.catalog.tables.movies import TABLE
from shared.database.queries.movies import superseded_movie
from shared.database.tenancy import tenant_reading
from shared.errors import InvalidRecord, NotFound, PreconditionFailed, StateConflict
from shared.ingest.manual.edit import Edit, Edited

router = APIRouter(prefix="/api/v1", tags=["movies"])

_CHANGED: Final = "The movie has been changed or removed in the meantime; read it again."
_MERGE_PATCH: Final = "application/merge-patch+json"

IfMatch = Annotated[
    str | None,
    Header(
        max_length=1000,
        description="The `ETag` of the movie that was looked at; `*` for any. Without it the answer is 428.",
    ),
]

_HEADERS: Final[dict[str, Any]] = {
    **MOVIE_TAG_HEADER,
    "Location": {"description": "Address of the movie.", "schema": {"type": "string"}},
    "Link": {"description": "RFC 8288; rel=via is the upload that the edit is.", "schema": {"type": "string"}},
}
_CREATED: Responses = {201: {"headers": _HEADERS, "links": MOVIE_LINKS}, **problems(400, 409, 413, 503, 507)}
_CHANGED_RESPONSES: Responses = {
    200: {"headers": _HEADERS, "links": MOVIE_LINKS},
    **problems(400, 404, 409, 412, 413, 428, 503, 507),
}
_REMOVED: Responses = {
    204: {"headers": {"Link": _HEADERS["Link"]}},
    **problems(404, 412, 428, 503, 507),
}


@router.post(
    "/movies", status_code=201, response_model=MovieDetail, responses=_CREATED, summary="Write a movie by hand"
)
async def create_movie(
    *, request: Request, runtime: RuntimeDep, tenant: TenantDep, body: NewMovie, idempotency_key: IdempotencyKey = None
) -> Response:
    """The movie becomes a record of a dataset, by default of `manual`, whose rules judge it as they judge a file.

    It is an upload of the kind `manual` (`Link`, and `source` in the answer), which can be undone.
    """
    values = dict(body.root)
    dataset = _dataset(runtime, values.pop("dataset", MANUAL.name))
    _require_known(values, hand_made(dataset))
    edit = Edit(tenant.name, str(request.state.trace_id), dataset.name, values)

    async def answer(edited: Edited) -> Written:
        return await _written(runtime, tenant, edited, 201)

    if idempotency_key is None:
        return _response(await answer(await apply_edit(request, runtime, edit)))
    return _response(await apply_once(request, runtime, edit, idempotency_key, answer))


@router.patch(
    "/movies/{movie_id}", response_model=MovieDetail, responses=_CHANGED_RESPONSES, summary="Change fields of a movie"
)
async def change_movie(
    *,
    request: Request,
    movie_id: MovieId,
    runtime: RuntimeDep,
    tenant: TenantDep,
    body: Annotated[MovieChanges, Body(media_type=_MERGE_PATCH)],
    if_match: IfMatch = None,
) -> Response:
    """A JSON merge patch (RFC 7396): null clears a field. The movie gets a new row, and so a new id (`Location`).

    Of several movies with its key, the others are removed. The key itself cannot be changed.
    """
    found = await _movie_to_edit(runtime, tenant, movie_id, if_match)
    dataset = _dataset_of(runtime, found)
    _require_known(body.root, dataset)
    values = {column.field: _as_json(found.row[column.field]) for column in dataset.columns}
    _require_same_key(body.root, values)
    edit = _edit(request, tenant, movie_id, found, values | body.root)
    return _response(await _written(runtime, tenant, await apply_edit(request, runtime, edit), 200))


@router.delete("/movies/{movie_id}", status_code=204, responses=_REMOVED, summary="Remove a movie")
async def remove_movie(
    *, request: Request, movie_id: MovieId, runtime: RuntimeDep, tenant: TenantDep, if_match: IfMatch = None
) -> Response:
    """The movie is gone, and with it all movies of its dataset with its key.

    To undo the upload that `Link` names brings them back.
    """
    found = await _movie_to_edit(runtime, tenant, movie_id, if_match)
    edited = await apply_edit(request, runtime, _edit(request, tenant, movie_id, found, None))
    return Response(status_code=204, headers=_link(tenant, edited))


async def _movie_to_edit(runtime: Runtime, tenant: Tenant, movie_id: int, if_match: str | None) -> FoundMovie:
    """The movie that the client has looked at; raises `NotFound`, `PreconditionRequired` and `PreconditionFailed`."""
    try:
        found = await find_movie(runtime.read_engine, runtime.registry, tenant.name, movie_id)
    except NotFound:
        async with tenant_reading(runtime.read_engine, tenant.name) as connection:
            superseded = await connection.scalar(superseded_movie(movie_id, tenant.name))
        if superseded is not None:
            raise PreconditionFailed(_CHANGED) from None
        raise
    if if_match is None:
        raise PreconditionRequired("Send the ETag of the movie that you have looked at as If-Match.")
    if not is_match(if_match, found.tag):
        raise PreconditionFailed(_CHANGED)
    return found


def _dataset(runtime: Runtime, name: Any) -> Dataset:
    """The dataset of movies with this name; raises `UnknownDataset`."""
    known = [dataset.name for dataset in runtime.registry if dataset.table is TABLE]
    if name not in known:
        raise unknown_name(UnknownDataset, "There is no dataset of movies", str(name), known)
    return runtime.registry.get(name)


def _dataset_of(runtime: Runtime, found: FoundMovie) -> Dataset:
    return hand_made(runtime.registry.get(found.dataset), has_key=_has_key(found))


def _has_key(found: FoundMovie) -> bool:
    return all(found.row[name] is not None for name in TABLE.key)


def _edit(request: Request, tenant: Tenant, movie_id: int, found: FoundMovie, values: Mapping[str, Any] | None) -> Edit:
    extra = {name: _text(value) for name, value in (found.row["extra"] or {}).items()}
    trace_id = str(request.state.trace_id)
    return Edit(tenant.name, trace_id, found.dataset, values, movie_id, has_key=_has_key(found), extra=extra)


def _require_known(given: Iterable[str], dataset: Dataset) -> None:
    """Raise `InvalidRecord` for fields that the records of the dataset do not have."""
    known = dataset.column_names
    unknown = [name for name in given if name not in known]
    if unknown:
        found = [
            field_problem(
                f"body.{name}",
                f"a record of {dataset.name} has no such field{did_you_mean(name, known)}",
                "unknown_field",
            )
            for name in unknown[:MOST_LISTED]
        ]
        found += not_listed(len(unknown) - MOST_LISTED)
        raise InvalidRecord(detail_of(found), {"errors": found})


def _require_same_key(given: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    found = [
        field_problem(f"body.{name}", "the key of a record stays; write a new one and remove this one", "key_fixed")
        for name in TABLE.key
        if name in given and given[name] != values[name]
    ]
    if found:
        raise InvalidRecord(detail_of(found), {"errors": found})


async def _written(runtime: Runtime, tenant: Tenant, edited: Edited, status: int) -> Written:
    """The movie as it is after an edit."""
    assert edited.row_id is not None
    try:
        found = await find_movie(runtime.read_engine, runtime.registry, tenant.name, edited.row_id)
    except NotFound:
        raise StateConflict("The movie was written, and somebody has changed or removed it since.") from None
    address = tenant.address(f"{MOVIES_PATH}/{edited.row_id}")
    headers = {"Location": address, "Content-Location": address, "ETag": found.tag, **_link(tenant, edited)}
    return Written(status, headers, json.loads(found.body))


def _response(written: Written) -> Response:
    return Response(orjson.dumps(written.body), written.status, written.headers, "application/json")


def _link(tenant: Tenant, edited: Edited) -> dict[str, str]:
    if edited.upload_id is None:  # nothing has changed
        return {}
    return {"Link": f'<{tenant.address(upload_path(edited.upload_id))}>; rel="via"'}


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
