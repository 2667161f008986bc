"""The body of a request that brings a picture: it is small, so it is read into memory."""

from contextlib import suppress

from fastapi import Request

from api.description.public_names import PICTURE_TYPES
from api.intake.request_body import MULTIPART_OVERHEAD_BYTES, MultipartFile, RequestBody, file_source
from api.intake.upload_quota import ByteMeter
from shared.errors import LimitReached, ShotTooLarge, UnsupportedPicture
from shared.shots.picture import SIGNATURE_BYTES, media_type_of

# The name of a picture means nothing, so it may have none.
_ANY_NAME = "shot"


async def read_picture(request: Request, meter: ByteMeter, most_bytes: int) -> bytes:
    """The whole file; it is refused as early as it can be. Raises `ShotTooLarge`, `UnsupportedPicture` and what
    `file_source` and its `chunks` raise.
    """
    source = file_source(request, RequestBody(request), _ANY_NAME, PICTURE_TYPES)
    announced = request.headers.get("content-length", "")
    overhead = MULTIPART_OVERHEAD_BYTES if isinstance(source, MultipartFile) else 0
    if announced.isdecimal() and int(announced) > most_bytes + overhead:
        raise _too_large(most_bytes)
    content = bytearray()
    try:
        async for chunk in source.chunks():
            await meter.add(len(chunk))
            content += chunk
            if len(content) > most_bytes:
                raise _too_large(most_bytes)
            if len(content) >= SIGNATURE_BYTES:
                _require_picture(content)
    finally:
        with suppress(LimitReached):
            await meter.settle()
    _require_picture(content)
    return bytes(content)


def _require_picture(content: bytearray) -> None:
    if media_type_of(bytes(content[:SIGNATURE_BYTES])) is None:
        raise UnsupportedPicture("The file is neither a PNG nor a JPEG nor a WebP, whatever its name and type say.")


def _too_large(most_bytes: int) -> ShotTooLarge:
    return ShotTooLarge(f"A shot may have {most_bytes:,} bytes at most.", {"max_bytes": most_bytes})
