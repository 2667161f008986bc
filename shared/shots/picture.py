"""A picture as it came, and as it is kept. What decodes pictures is apart (`cleaning`), for the API never loads it."""

from dataclasses import dataclass, field
from typing import Final

# What a file begins with. In a WebP four bytes between its two words are the length of the file.
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_RIFF, _WEBP = b"RIFF", b"WEBP"
SIGNATURE_BYTES: Final = 12

ENDINGS: Final = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True)
class RawPicture:
    """The bytes that a client sent, and the bounds: `most_pixels` of all of its frames together, `most_frames`."""

    content: bytes = field(repr=False)
    most_pixels: int
    most_frames: int


@dataclass(frozen=True)
class Picture:
    """A picture that was encoded anew; `width` and `height` in pixels."""

    content: bytes = field(repr=False)
    media_type: str
    width: int
    height: int


def media_type_of(beginning: bytes) -> str | None:
    """What the first `SIGNATURE_BYTES` of a file say that it is; None for anything but PNG, JPEG and WebP."""
    if beginning.startswith(_PNG):
        return "image/png"
    if beginning.startswith(_JPEG):
        return "image/jpeg"
    if beginning.startswith(_RIFF) and beginning[8:12] == _WEBP:
        return "image/webp"
    return None
