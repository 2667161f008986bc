"""What is kept of a picture is its pixels, and only of a picture."""

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from shared.errors import ShotTooLarge, UnreadablePicture, UnsupportedPicture
from shared.shots.cleaning import clean
from shared.shots.picture import Picture, RawPicture
from tests.unit.shots.drawing import SECRET, animated, bomb, encoded, profile, striped, talkative

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
MOST_PIXELS = 10_000
EVERY = pytest.mark.parametrize("format_", FORMATS)


def cleaned(content: bytes, most_pixels: int = MOST_PIXELS, most_frames: int = 1) -> Picture:
    return clean(RawPicture(content, most_pixels, most_frames))


def opened(picture: Picture) -> Image.Image:
    image = Image.open(BytesIO(picture.content))
    image.load()
    return image


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    """Whether the pixel has this colour; JPEG and WebP change it by a little."""
    found = image.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(one - other) < 12 for one, other in zip(found, colour, strict=True))


@EVERY
def test_nothing_but_the_pixels_is_kept(format_: str) -> None:
    raw = talkative(format_)
    assert SECRET in raw
    picture = cleaned(raw)
    assert SECRET not in picture.content
    image = opened(picture)
    assert (image.format, image.size, picture.media_type) == (format_, (40, 20), FORMATS[format_])
    assert (picture.width, picture.height) == (40, 20)
    assert set(image.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "loop",
        "background",
        "timestamp",
        "duration",
    }
    assert not image.getexif()
    assert near(image, (5, 10), (255, 0, 0))
    assert near(image, (35, 10), (0, 0, 255))


@EVERY
def test_a_picture_stands_upright(format_: str) -> None:
    image = opened(picture := cleaned(talkative(format_, is_rotated=True)))
    assert image.size == (picture.width, picture.height) == (20, 40)
    assert near(image, (10, 5), (255, 0, 0))
    assert near(image, (10, 35), (0, 0, 255))


@EVERY
def test_a_profile_is_applied_and_goes(format_: str) -> None:
    picture = cleaned(encoded(striped(), format_, icc_profile=profile()))
    assert "icc_profile" not in opened(picture).info
    # of other colours, or no profile at all
    for strange in (lab(), b"no profile"):
        assert near(opened(cleaned(encoded(striped(), format_, icc_profile=strange))), (5, 10), (255, 0, 0))


def lab() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def test_colours_are_those_of_the_profile() -> None:
    """With red and blue exchanged in the profile, what was red is shown, and kept, as blue."""
    exchanged = profile().replace(b"rXYZ", b"xXYZ").replace(b"bXYZ", b"rXYZ").replace(b"xXYZ", b"bXYZ")
    assert near(opened(cleaned(encoded(striped(), "PNG", icc_profile=exchanged))), (5, 10), (0, 0, 255))


@pytest.mark.parametrize(
    ("format_", "mode"),
    [
        *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGBA"),
    ],
)
def test_pictures_of_every_mode_keep_their_colours(format_: str, mode: str) -> None:
    raw = encoded(striped(mode=mode), format_)
    expected = Image.open(BytesIO(raw)).convert("RGB").getpixel((5, 10))
    assert isinstance(expected, tuple)
    assert near(opened(cleaned(raw)), (5, 10), (expected[0], expected[1], expected[2]))


def test_sixteen_bits_become_eight() -> None:
    grey = Image.new("I;16", (4, 4), 0x8000)
    assert near(opened(cleaned(encoded(grey, "PNG"))), (1, 1), (128, 128, 128))


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_what_is_transparent_stays_so(format_: str) -> None:
    image = striped(mode="RGBA")
    image.putpixel((0, 0), (255, 0, 0, 0))
    for raw in (encoded(image, format_), encoded(image.convert("P"), format_, transparency=0)):
        assert opened(cleaned(raw)).has_transparency_data


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + bytes(100), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"II*\0" + bytes(100), b"RIFF1234WAVE"],
    ids=["nothing", "gif", "svg", "tiff", "wave"],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedPicture):
        cleaned(content)


@EVERY
@pytest.mark.parametrize(
    "breaking",
    [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:12], lambda raw: raw[:20] + b"\xff" * 400],
    ids=["half", "signature", "garbage"],
)
def test_broken_pictures_are_refused(format_: str, breaking: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UnreadablePicture):
        cleaned(breaking(encoded(striped(), format_)))


@pytest.mark.parametrize("size", [(101, 100), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_its_pixels_are_read(size: tuple[int, int]) -> None:
    with pytest.raises(ShotTooLarge, match="pixels"):
        cleaned(bomb(*size))


@EVERY
def test_the_pixels_of_a_picture_are_bounded(format_: str) -> None:
    raw = encoded(striped(), format_)
    assert cleaned(raw, most_pixels=800).width == 40
    with pytest.raises(ShotTooLarge) as caught:
        cleaned(raw, most_pixels=799)
    assert caught.value.fields == {"max_pixels": 799}


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_frames_are_bounded_and_kept(format_: str) -> None:
    raw = animated(format_, 3)
    with pytest.raises(ShotTooLarge) as caught:
        cleaned(raw, most_frames=2)
    assert caught.value.fields == {"max_frames": 2}
    with pytest.raises(ShotTooLarge, match="pixels"):
        cleaned(raw, most_frames=3, most_pixels=3 * 800 - 1)
    image = opened(cleaned(raw, most_frames=3))
    assert getattr(image, "n_frames", 1) == 3
    assert image.info["loop"] == 3
    for number in range(3):
        image.seek(number)
        assert near(image, (1, 1), (20 * (number + 1), 0, 0))
        assert image.info["duration"] == 100


def test_of_a_jpeg_with_several_pictures_the_first_one_is_kept() -> None:
    first, second = striped(), Image.new("RGB", (40, 20), "green")
    picture = cleaned(encoded(first, "MPO", save_all=True, append_images=[second]))
    assert near(opened(picture), (5, 10), (255, 0, 0))
    assert picture.content.count(b"\xff\xd8\xff") == 1


def test_the_same_picture_becomes_the_same_bytes() -> None:
    for format_ in FORMATS:
        assert cleaned(talkative(format_)).content == cleaned(encoded_again(format_)).content


def encoded_again(format_: str) -> bytes:
    """The same pixels, with nothing else."""
    return talkative(format_).removesuffix(SECRET) + b"other bytes behind it"
