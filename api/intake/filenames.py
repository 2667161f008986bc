"""The name of an uploaded file: only metadata, never a path on our disk."""

import re
import unicodedata
from typing import Final

MAX_NAME_BYTES: Final = 255
# No file system has longer names, and NFC can cost the square of the length.
_MOST_CHARACTERS: Final = 1024

_EXTENSION: Final = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){1,2}\Z")
_LEADING: Final = re.compile(r"\A[\s.]+")
# Letters, marks and a symbol that show nothing, although their categories do not tell: Unicode's other
# Default_Ignorable_Code_Points, and the Braille pattern without dots.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def clean_filename(name: str) -> str:
    """The last path component in NFC, at most 255 bytes, without characters that cannot be seen; "" if none is left."""
    last = re.split(r"[/\\]", name)[-1][-_MOST_CHARACTERS:]
    visible = unicodedata.normalize("NFC", "".join(char for char in last if not _is_invisible(char)))
    return _shortened(_LEADING.sub("", visible).rstrip())


def _is_invisible(char: str) -> bool:
    """Whether it is a control or format character, a separator of lines or paragraphs, or one of `_BLANK`."""
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp") or _BLANK.match(char) is not None


def _shortened(name: str) -> str:
    # Cut the stem, because the extension decides how the file is read.
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    match = _EXTENSION.search(name)
    extension = match.group() if match else ""
    stem = name[: len(name) - len(extension)].encode()[: MAX_NAME_BYTES - len(extension)]
    return stem.decode(errors="ignore").rstrip() + extension
