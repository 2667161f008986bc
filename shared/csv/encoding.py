"""Converts files of any supported encoding to UTF-8. The first bytes beyond ASCII decide which encoding it is.

    UTF-8           invalid sequences pass unchanged, and the reader rejects their records
    UTF-16          by its byte order mark, or because every other byte at the beginning is zero
    Windows-1252    hardly any of these bytes is UTF-8, and as Windows-1252 they are letters and punctuation where
                    people write them

Bytes that cannot be decoded become invalid UTF-8, so that their records are rejected, too.
"""

import codecs
import re
from typing import Final

from shared.csv.dialect import Dialect

UTF_8: Final = "utf-8"
UTF_16_LE, UTF_16_BE = "utf-16-le", "utf-16-be"
WINDOWS_1252, LATIN_1 = "windows-1252", "latin-1"
UTF_16: Final = "utf-16"  # its byte order mark says which of the two
ENCODINGS: Final = (UTF_8, UTF_16, UTF_16_LE, UTF_16_BE, WINDOWS_1252, LATIN_1)

_BY_CODEC: Final = {
    **{codecs.lookup(name).name: name for name in ENCODINGS},
    "ascii": UTF_8,
    "utf-8-sig": UTF_8,
}
_BOMS: Final = {UTF_8: codecs.BOM_UTF8, UTF_16_LE: codecs.BOM_UTF16_LE, UTF_16_BE: codecs.BOM_UTF16_BE}
_UNDECODED: Final = {UTF_16_LE: "surrogatepass", UTF_16_BE: "surrogatepass", WINDOWS_1252: "surrogateescape"}
_NEVER_UTF_8: Final = b"\xff"
_PROBED_BYTES: Final = 64
_JUDGED_BYTES: Final = 64 * 1024
_EXCHANGED: Final = bytes.maketrans(b"\r\n", b"\n\r")
_MOST_EXCEPTIONS: Final = 0.1
_LEAST_ZEROS: Final = 0.75

_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_UTF_8_CHARACTER: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", re.DOTALL
)
_CUT_CHARACTER: Final = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")
# Where people write the characters that Windows-1252 has beyond ASCII: letters next to letters, no capital within a
# word, and no punctuation within a word except apostrophes, dashes and middle dots.
_LOWER: Final = "ß-öø-þšœž"
_UPPER: Final = "À-ÖØ-ÞŠŒŽŸ"
_LETTER: Final = rf"A-Za-z{_LOWER}{_UPPER}'\u2019"
_PUNCTUATION: Final = (
    r"\u2018-\u201e\u2013\u2014\u2022\u2026\u2122\u20ac\u00a0-\u00a9\u00ab\u00ae\u00b0-\u00b3\u00b7\u00ba-\u00bf\u00aa"
)
_PLAUSIBLE: Final = re.compile(
    rf"(?<=[{_LETTER}])[{_LOWER}]|[{_LOWER}](?=[{_LETTER}])|(?<![^ ])[{_LOWER}{_UPPER}](?= )"
    rf"|(?<![a-z{_LOWER}])[{_UPPER}](?=[{_LETTER}])|(?<=[A-Z{_UPPER}])[{_UPPER}]"
    rf"|(?<![{_LETTER}])[{_PUNCTUATION}]|[{_PUNCTUATION}](?![{_LETTER}])|(?<=[{_LETTER}])[\u2019\u2013\u2014\u00b7](?=[{_LETTER}])"
)


def encoding_named(name: str) -> str | None:
    """The encoding of `ENCODINGS` that Python knows by this name; None if there is none."""
    try:
        return _BY_CODEC.get(codecs.lookup(name).name)
    except (LookupError, ValueError):
        return None


class Decoder:
    """Feed it the bytes of a file; it returns them as UTF-8. Synchronous, bounded memory, no error for any bytes."""

    def __init__(self, encoding: str | None = None, likely: str = UTF_8) -> None:
        """`encoding`: one of `ENCODINGS`, if the client named it. Otherwise the bytes decide, helped by `likely`."""
        self.bom = False
        self._likely = likely
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = b""
        self._has_begun = False

    @property
    def encoding(self) -> str:
        """The encoding as far as it is known; plain ASCII counts as UTF-8."""
        return self._encoding or UTF_8

    def feed(self, block: bytes) -> bytes:
        """Take the next bytes; return the text that is certain by now."""
        data = self._held + block if self._held else block
        self._held = b""
        if not self._has_begun and len(data) < _PROBED_BYTES:
            self._held = data
            return b""
        return self._decode(data, at_end=False)

    def finish(self) -> bytes:
        """Return what was held back."""
        data, self._held = self._held, b""
        return self._decode(data, at_end=True)

    def _decode(self, data: bytes, *, at_end: bool) -> bytes:
        if not self._has_begun:
            data = self._begin(data)
        if self._encoding is None and not data.isascii():
            data = self._decide(data, at_end)
        if self._decoder is None:
            return data
        try:
            text = self._decoder.decode(data, at_end)
        except UnicodeDecodeError:  # UTF-16 that ends with half a unit
            return _NEVER_UTF_8
        return text.encode(UTF_8, _UNDECODED.get(self.encoding, "strict"))

    def _begin(self, data: bytes) -> bytes:
        self._has_begun = True
        found = next((name for name, bom in _BOMS.items() if data.startswith(bom)), None)
        if self._encoding == UTF_16:
            self._encoding = found if found in (UTF_16_LE, UTF_16_BE) else _zeros(data) or UTF_16_LE
        self._choose(self._encoding or found or _zeros(data))
        self.bom = found is not None and found == self._encoding
        # UTF-8 is stored unchanged, byte order mark included.
        return data[len(_BOMS[self.encoding]) :] if self.bom and self.encoding != UTF_8 else data

    def _decide(self, data: bytes, at_end: bool) -> bytes:
        cut = None if at_end else _CUT_CHARACTER.search(data, max(len(data) - 3, 0))
        whole = data[: cut.start()] if cut else data
        if not whole.isascii():
            self._choose(self._single_byte(_judged(whole)) or UTF_8)
            return data
        self._held = data[len(whole) :]
        return whole

    def _single_byte(self, sample: bytes) -> str | None:
        """Which encoding with one byte per character the file is in; None if it is UTF-8."""
        if not _is_hardly_utf8(sample):
            return None
        if self._likely in (WINDOWS_1252, LATIN_1):
            return self._likely
        return WINDOWS_1252 if _is_plausible(sample) else None

    def _choose(self, encoding: str | None) -> None:
        self._encoding = encoding
        if encoding not in (None, UTF_8):
            assert encoding is not None
            self._decoder = codecs.getincrementaldecoder(encoding)(_UNDECODED.get(encoding, "strict"))


def encode(content: bytes, dialect: Dialect) -> bytes:
    """Turn stored content back into the encoding of its file: the inverse of `Decoder` and `exchange`.

    It adds no byte order mark. Characters that the encoding lacks become question marks.
    """
    if dialect.is_exchanged:
        content = exchange(content)
    if dialect.encoding == UTF_8:
        return content
    undecoded = _UNDECODED.get(dialect.encoding, "strict")
    try:
        return content.decode(UTF_8, undecoded).encode(dialect.encoding, undecoded)
    except UnicodeError:
        return content.decode(UTF_8, "replace").encode(dialect.encoding, "replace")


def bom_of(dialect: Dialect) -> bytes:
    """The byte order mark that the file began with, if any."""
    return _BOMS[dialect.encoding] if dialect.bom else b""


def exchange(content: bytes) -> bytes:
    """Swap carriage returns and line feeds."""
    return content.translate(_EXCHANGED)


def _zeros(data: bytes) -> str | None:
    """The kind of UTF-16 that mostly Latin text shows by its zeros; None if there is no such pattern.

    Most of the first bytes of each pair are zero and none of the second, or the other way round.
    """
    low, high = data[0:_PROBED_BYTES:2], data[1:_PROBED_BYTES:2]
    if not high:
        return None
    if 0 not in low and high.count(0) > _LEAST_ZEROS * len(high):
        return UTF_16_LE
    return UTF_16_BE if 0 not in high and low.count(0) > _LEAST_ZEROS * len(low) else None


def _judged(data: bytes) -> bytes:
    first = _BEYOND_ASCII.search(data)
    begin = max(first.start() - 1, 0) if first else 0
    return data[begin : begin + _JUDGED_BYTES]


def _is_hardly_utf8(sample: bytes) -> bool:
    return len(_UTF_8_CHARACTER.findall(sample)) <= _MOST_EXCEPTIONS * len(_BEYOND_ASCII.findall(sample))


def _is_plausible(sample: bytes) -> bool:
    """Whether nearly all characters beyond ASCII are where people would write them in Windows-1252."""
    count = len(_BEYOND_ASCII.findall(sample))
    plausible = len(_PLAUSIBLE.findall(sample.decode(WINDOWS_1252, "surrogateescape")))
    return count - plausible <= _MOST_EXCEPTIONS * count
