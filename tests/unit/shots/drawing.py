"""Pictures to send: drawn here, with whatever a picture may carry besides its pixels."""

import struct
import zlib
from io import BytesIO
from typing import Any, Final

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

SECRET: Final = b"xyzzy 52.5200N 13.4050E"
# Exif's tags of the orientation, of what the picture shows, and of the directory of its location.
_ORIENTATION, _DESCRIPTION, _GPS = 0x0112, 0x010E, 0x8825
_UPRIGHT, _ROTATED = 1, 6


def striped(size: tuple[int, int] = (40, 20), mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    output = BytesIO()
    image.save(output, format_, **options)
    return output.getvalue()


def talkative(format_: str, *, is_rotated: bool = False) -> bytes:
    """A picture whose metadata, and the bytes that follow it, say the secret."""
    exif = Image.Exif()
    exif[_ORIENTATION] = _ROTATED if is_rotated else _UPRIGHT
    exif[_DESCRIPTION] = SECRET.decode()
    exif.get_ifd(_GPS)[1] = SECRET.decode()
    options: dict[str, Any] = {"exif": exif}
    if format_ == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Comment", SECRET.decode())
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", SECRET.decode())
    elif format_ == "JPEG":
        options |= {"comment": SECRET, "xmp": SECRET, "quality": 95, "subsampling": 0}
    else:
        options |= {"xmp": SECRET, "lossless": True}
    return encoded(striped(), format_, **options) + SECRET


def profile() -> bytes:
    """A colour profile whose description is its name."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return made.tobytes()


def animated(format_: str, frames: int) -> bytes:
    """A picture with so many frames, 100 ms each."""
    first, *others = [Image.new("RGB", (40, 20), (20 * number, 0, 0)) for number in range(1, frames + 1)]
    return encoded(first, format_, save_all=True, append_images=others, duration=100, loop=3)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it is so large; its pixels are missing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
