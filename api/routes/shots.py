"""Shots: pictures of movies."""

import asyncio
import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import StreamingResponse

from api.browsing.shots import bytes_of, described, find_shot, read_shots, record_of
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import SHOT_BODY, Responses, problems
from api.description.openapi_links import SHOT_LINKS, SHOTS_LINKS, linked
from api.description.schemas.shots import Shot, Shots
from api.intake.picture_body import read_picture
from api.intake.upload_quota import upload_quota
from api.listings.paging import MAX_ID
from shared.shots import keeping
from shared.shots.picture import ENDINGS, RawPicture

router = APIRouter(prefix="/api/v1", tags=["movies"])

MovieId = Annotated[int, Path(ge=0, le=MAX_ID, examples=[73014444047])]

_LOCATION: Final[dict[str, Any]] = {
    "Location": {"description": "Address of the picture.", "required": True, "schema": {"type": "string"}}
}
_CREATED: Responses = {
    200: {
        "description": "The movie has this picture already.",
        "model": Shot,
        "headers": _LOCATION,
        "links": SHOT_LINKS,
    },
    201: {"description": "The picture is kept.", "headers": _LOCATION, "links": SHOT_LINKS},
    **problems(400, 404, 409, 413, 415, 503, 507),
}
_ETAG: Final[dict[str, Any]] = {
    "ETag": {"description": "Of the bytes, which never change.", "required": True, "schema": {"type": "string"}}
}
_PICTURE: Responses = {
    200: {
        "description": "The picture.",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in ENDINGS},
        "headers": _ETAG,
    },
    304: {"description": "The client has it already.", "headers": _ETAG},
    **problems(404, 503),
}
# A picture never changes, but it belongs to who may see it. Should it be more than a picture to some browser, it runs
# nothing.
_HEADERS: Final = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Vary": "Authorization, X-API-Key, X-Tenant",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


@router.post(
    "/movies/{movie_id}/shots",
    status_code=201,
    responses=_CREATED,
    openapi_extra=SHOT_BODY,
    summary="Add a picture to a movie",
)
async def add_shot(
    movie_id: MovieId, request: Request, runtime: RuntimeDep, tenant: TenantDep, response: Response
) -> Shot:
    """Send a PNG, a JPEG or a WebP: what the file is counts, not its name or type. It is decoded and encoded anew, so
    nothing but its pixels is kept: neither its location, nor comments, nor what follows the picture.

    `curl -F file=@still.jpg http://127.0.0.1:8000/api/v1/movies/73014444047/shots`
    """
    settings = runtime.settings
    record = await record_of(runtime.read_engine, movie_id, tenant.name)
    async with upload_quota(request, runtime, tenant.name) as meter:
        with runtime.pictures.room():
            content = await read_picture(request, meter, settings.shot_bytes)
            picture = await runtime.pictures.clean(RawPicture(content, settings.shot_pixels, settings.shot_frames))
        limits = keeping.Limits(settings.shots_per_movie, settings.tenant_shot_bytes)
        shot, is_new = await asyncio.to_thread(
            keeping.keep, runtime.request_engine, runtime.storage, record, picture, limits
        )
    answer = described(shot, movie_id, tenant)
    response.headers["Location"] = answer.links.self
    response.status_code = 201 if is_new else 200
    return answer


@router.get(
    "/movies/{movie_id}/shots",
    responses={**linked(SHOTS_LINKS), **problems(404, 503)},
    summary="List the pictures of a movie",
)
async def list_shots(movie_id: MovieId, runtime: RuntimeDep, tenant: TenantDep) -> Shots:
    """The pictures of the movie: they stay with it when a later upload sets its row anew under another id."""
    shots = await read_shots(runtime.read_engine, movie_id, tenant.name)
    return Shots(items=[described(shot, movie_id, tenant) for shot in shots], total=len(shots))


@router.get("/shots/{shot_id}", responses=_PICTURE, response_class=Response, summary="Show a picture")
async def get_shot(
    shot_id: uuid.UUID,
    runtime: RuntimeDep,
    tenant: TenantDep,
    if_none_match: Annotated[
        str | None, Header(max_length=1024, description="ETags of pictures that the client has, separated by commas.")
    ] = None,
) -> Response:
    """The bytes of the picture."""
    shot = await find_shot(runtime.read_engine, shot_id, tenant.name)
    headers = {**_HEADERS, "ETag": f'"{shot["sha256"]}"'}
    if if_none_match is not None and _names(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(shot["size_bytes"])
    headers["Content-Disposition"] = f'inline; filename="shot-{shot_id}{ENDINGS[shot["media_type"]]}"'
    return StreamingResponse(await bytes_of(runtime, shot), headers=headers, media_type=shot["media_type"])


@router.delete("/shots/{shot_id}", status_code=204, responses=problems(404, 503), summary="Delete a picture")
async def delete_shot(shot_id: uuid.UUID, runtime: RuntimeDep, tenant: TenantDep) -> None:
    """Remove the picture from its movie."""
    await asyncio.to_thread(keeping.remove, runtime.request_engine, runtime.storage, tenant.name, shot_id)


def _names(if_none_match: str, etag: str) -> bool:
    """Whether the header names the tag; a weak one is as good here (RFC 9110, 13.1.2)."""
    named = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in named or etag in named
