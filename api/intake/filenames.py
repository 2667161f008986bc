"""The name of an uploaded file: only metadata, never a path on our disk."""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

MAX_NAME_BYTES: Final = 255

# `; name=token` or `; name="quoted"` (RFC 6266); a trailing * marks the RFC 8187 form
_PARAMETER: Final = re.compile(r";\s*([A-Za-z0-9_-]+\*?)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s]*))")
_EXTENSION: Final = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){1,2}\Z")


def clean_filename(name: str) -> str:
    """The last path component in NFC, at most 255 bytes, without control or format characters; "" if none is left."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in unicodedata.normalize("NFC", last) if not _is_invisible(char))
    return _shortened(visible.strip().lstrip("."))


def filename_of_disposition(header: str) -> str | None:
    """The `filename*` (RFC 8187), else the `filename`, of a Content-Disposition header as Starlette decodes it."""
    found = {
        name.lower(): _unescaped(quoted) if quoted else token
        for name, quoted, token in _PARAMETER.findall(";" + header)
    }
    extended = _decoded(found.get("filename*", ""))
    return extended or _as_utf8(found.get("filename", "")) or None


def _is_invisible(char: str) -> bool:
    """Whether it is a control or format character, or a separator of lines or paragraphs."""
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def _shortened(name: str) -> str:
    # Cut the stem, because the extension decides how the file is read.
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    match = _EXTENSION.search(name)
    extension = match.group() if match else ""
    stem = name[: len(name) - len(extension)].encode()[: MAX_NAME_BYTES - len(extension)]
    return stem.decode(errors="ignore") + extension


def _unescaped(quoted: str) -> str:
    # Only \" and \\ are escapes: old browsers send whole Windows paths with bare backslashes.
    return re.sub(r'\\(["\\])', r"\1", quoted)


def _decoded(extended: str) -> str:
    charset, _, rest = extended.partition("'")
    _, _, value = rest.partition("'")
    if charset.lower() not in ("utf-8", "iso-8859-1"):
        return ""
    return unquote_to_bytes(value).decode(charset, errors="replace")


def _as_utf8(text: str) -> str:
    # Starlette decodes headers as Latin-1, but nearly all clients send UTF-8.
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
