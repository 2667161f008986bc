"""Makes a picture anew from its pixels, so that nothing else of the file remains.

Gone are EXIF (the orientation is applied first) with the location, XMP, comments, text chunks, colour profiles (the
colours are converted to sRGB first), thumbnails, and whatever follows the picture.
"""

from contextlib import suppress
from io import BytesIO
from typing import Any, Final

from PIL import Image, ImageCms, ImageOps, ImageSequence

from shared.errors import ShotTooLarge, UnreadablePicture, UnsupportedPicture
from shared.shots.picture import Picture, RawPicture, media_type_of

_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
# A JPEG or WebP loses something each time; at this quality nobody sees it. A WebP takes half the time of the usual
# method, 4, and is some percent larger.
_OPTIONS: Final[dict[str, dict[str, Any]]] = {"PNG": {}, "JPEG": {"quality": 90}, "WEBP": {"quality": 90, "method": 2}}
_16_BIT_GREY: Final = ("I;16", "I;16B", "I;16L", "I;16N")


def clean(raw: RawPicture) -> Picture:
    """Decode and encode; raises `UnsupportedPicture`, `UnreadablePicture` and `ShotTooLarge`."""
    media_type = media_type_of(raw.content)
    if media_type is None:
        raise UnsupportedPicture("The file is neither a PNG nor a JPEG nor a WebP.")
    try:
        frames, timing = _decoded(raw, _FORMATS[media_type])
        content = _encoded(frames, _FORMATS[media_type], timing)
    except ShotTooLarge:
        raise
    except Image.DecompressionBombError as error:
        raise ShotTooLarge("The picture has far too many pixels.", {"max_pixels": raw.most_pixels}) from error
    except Exception as error:  # decoders raise anything for a file that is malformed
        raise UnreadablePicture("The picture is malformed or incomplete: it cannot be decoded.") from error
    return Picture(content, media_type, *frames[0].size)


def _decoded(raw: RawPicture, format_: str) -> tuple[list[Image.Image], dict[str, Any]]:
    """The frames, at least one, and how long each is shown."""
    with Image.open(BytesIO(raw.content), formats=(format_,)) as source:
        # A JPEG may bring further pictures of the same scene, which are no animation.
        count = 1 if format_ == "JPEG" else getattr(source, "n_frames", 1)
        _require_bounds(source, count, raw)
        if count == 1:
            return [_plain(source)], {}
        loop, durations, frames = source.info.get("loop", 0), [], []
        for frame in ImageSequence.Iterator(source):
            frame.load()
            durations.append(int(frame.info.get("duration", 0)))
            frames.append(_plain(frame))
        return frames, {"duration": durations, "loop": loop}


def _require_bounds(source: Image.Image, frames: int, raw: RawPicture) -> None:
    """Before a pixel is decoded."""
    if frames > raw.most_frames:
        raise ShotTooLarge(
            f"The picture has {frames} frames; the limit is {raw.most_frames}.", {"max_frames": raw.most_frames}
        )
    pixels = source.width * source.height * frames
    if pixels > raw.most_pixels:
        raise ShotTooLarge(
            f"The picture has {pixels:,} pixels; the limit is {raw.most_pixels:,}.", {"max_pixels": raw.most_pixels}
        )


def _plain(image: Image.Image) -> Image.Image:
    """Upright, in sRGB, with alpha if it has any, and with nothing but its pixels."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in _16_BIT_GREY:
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    has_alpha = upright.has_transparency_data
    if has_alpha or upright.mode not in ("L", "RGB", "CMYK"):
        upright = upright.convert("RGBA" if has_alpha else "RGB")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):  # a profile that is malformed, or of other colours, says nothing
            upright = _in_srgb(upright, profile)
    plain = upright.convert("RGBA" if has_alpha else "RGB")
    plain.info = {}
    return plain


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    wanted = "RGBA" if image.mode == "RGBA" else "RGB"
    source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, target, outputMode=wanted)
    return image if converted is None else converted


def _encoded(frames: list[Image.Image], format_: str, timing: dict[str, Any]) -> bytes:
    output, (first, *others) = BytesIO(), frames
    animation = {"save_all": True, "append_images": others, **timing} if others else {}
    first.save(output, format_, **_OPTIONS[format_], **animation)
    return output.getvalue()
