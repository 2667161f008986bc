"""Whatever a file is encoded in, what is stored is UTF-8: decided from its first bytes that are not plain ASCII.

    UTF-8           what is not valid goes through as it is, and the reader rejects its record
    UTF-16          by its byte order mark, or because every other byte is zero; half pairs become invalid UTF-8
    Windows-1252    no byte beyond ASCII is UTF-8, and read as Windows-1252 they are letters of words, or punctuation
"""

import codecs
import re
from typing import Final

from shared.ingest.dialect import Dialect

UTF_8, UTF_16_LE, UTF_16_BE = "utf-8", "utf-16-le", "utf-16-be"
WINDOWS_1252, LATIN_1 = "windows-1252", "latin-1"
ENCODINGS: Final = (UTF_8, UTF_16_LE, UTF_16_BE, WINDOWS_1252, LATIN_1)

_BOMS: Final = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, UTF_16_LE), (codecs.BOM_UTF16_BE, UTF_16_BE))
# Bytes that do not decode come through as they are: what one of them stands in is never valid UTF-8.
_DECODING_ERRORS: Final = {
    UTF_16_LE: "surrogatepass",
    UTF_16_BE: "surrogatepass",
    WINDOWS_1252: "surrogateescape",
    LATIN_1: "strict",
}
_EXCHANGE: Final = bytes.maketrans(b"\r\n", b"\n\r")
_PROBE_BYTES: Final = 4096
_UTF8_SEQUENCE: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", re.DOTALL
)
_CUT_SEQUENCE: Final = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]+")
# Letters of a word (a capital only at its beginning or among capitals), and punctuation that people type.
_LIKELY_LETTERS: Final = re.compile(
    r"(?<![a-zß-ÿ])[ŠŒŽŸÀ-ÖØ-Ý]+|(?:(?<=[A-Za-zÀ-ÿŠŒŽšœž'’-])[šœžß-öø-ý]+|[šœžß-öø-ý]+(?=[A-Za-zß-ÿšœž'’ -]))"
    r"|[\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022\u2122\u00a0\u00a1\u00a3\u00a7\u00a9\u00ab\u00ae\u00b0-\u00b5"
    r"\u00b7\u00b9-\u00bf\u20ac]+"
)


def encode(content: bytes, dialect: Dialect) -> bytes:
    """Whole characters of stored content as they were in the file, without its byte order mark."""
    if dialect.encoding != UTF_8 or dialect.is_exchanged:
        raise NotImplementedError(dialect.encoding)
    return content


def bom_of(dialect: Dialect) -> bytes:
    """The byte order mark with which the file began; nothing if it had none."""
    return codecs.BOM_UTF8 if dialect.bom else b""
