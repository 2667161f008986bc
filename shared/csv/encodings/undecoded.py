"""Bytes that an encoding cannot decode, as text that is not valid: the reader rejects the records that hold it.

Such a byte becomes the lone surrogate U+DC00 + byte. A surrogate is never valid in UTF-8, whatever stands beside it;
two bytes that were passed on as they are could be a character.
"""

import codecs
import re
from typing import Final

from shared.csv.encodings.names import UTF_8

_HANDLER: Final = "imdb_ingest.undecoded"
_FIRST: Final = 0xDC00
_ESCAPED: Final = {byte: _FIRST + byte for byte in range(0x100)}
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_ESCAPES: Final = re.compile(r"[\udc00-\udcff]+")


def incremental_decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder that raises no error."""
    return codecs.getincrementaldecoder(encoding)(_HANDLER)


def to_utf8(text: str) -> bytes:
    """UTF-8; invalid where the text has bytes that were not decoded."""
    return text.encode(UTF_8, "surrogatepass")


def from_utf8(content: bytes) -> str:
    """The inverse of `to_utf8`; other invalid bytes become undecoded ones."""
    return content.decode(UTF_8, _HANDLER)


def encoded(text: str, encoding: str) -> bytes:
    """The text in an encoding, undecoded bytes as they were.

    Characters that the encoding lacks become question marks.
    """
    try:
        return text.encode(encoding, _HANDLER)
    except UnicodeError:  # undecoded bytes that are no whole unit of UTF-16 or UTF-32
        return _ESCAPES.sub("?", text).encode(encoding, _HANDLER)


def displayed(value: bytes) -> str:
    r"""Text for people; bytes that are not text are escaped as `\x81`."""
    parts = _ESCAPES.split(text := from_utf8(value))
    escapes = ["".join(f"\\x{ord(escape) - _FIRST:02x}" for escape in run) for run in _ESCAPES.findall(text)]
    shown = "".join(part + escape for part, escape in zip(parts, [*escapes, ""], strict=True))
    return shown.encode(UTF_8, "backslashreplace").decode()


def _handle(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        if error.encoding == UTF_8 and (found := _SURROGATE.match(error.object, error.start)):
            return found.group().decode(UTF_8, "surrogatepass"), found.end()
        return error.object[error.start : error.end].decode("latin-1").translate(_ESCAPED), error.end
    assert isinstance(error, UnicodeEncodeError)
    if found_run := _ESCAPES.match(error.object, error.start):
        return bytes(ord(character) - _FIRST for character in found_run.group()), found_run.end()
    return "?", error.start + 1


codecs.register_error(_HANDLER, _handle)
