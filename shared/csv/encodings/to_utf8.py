"""Converts files of any encoding to UTF-8 while they arrive. The first bytes beyond ASCII decide which encoding it is.

    named by the client    is obeyed
    UTF-16, UTF-32         by their byte order mark, or because most bytes at the beginning are zero
    ISO-2022-JP            by its escape sequences
    UTF-8                  invalid sequences pass unchanged, and the reader rejects their records
    any other              with evidence (`recognition`); without it, the file is refused

Bytes that cannot be decoded become invalid UTF-8, so that their records are rejected, too.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from shared.csv.dialect import Dialect
from shared.csv.encodings.names import (
    BOMS,
    ISO_2022_JP,
    UTF_7,
    UTF_8,
    UTF_16,
    UTF_16_BE,
    UTF_16_LE,
    UTF_32,
    UTF_32_BE,
    UTF_32_LE,
)
from shared.csv.encodings.recognition import SAMPLE_BYTES, Recognition, is_usual_utf8, lone_characters
from shared.csv.encodings.undecoded import encoded, from_utf8, incremental_decoder, to_utf8

_PROBED_BYTES: Final = 64
_KINDS: Final = {UTF_16: (UTF_16_LE, UTF_16_BE), UTF_32: (UTF_32_LE, UTF_32_BE)}
_EXCHANGED: Final = bytes.maketrans(b"\r\n", b"\n\r")
_LEAST_ZEROS: Final = 0.75
_LEAST_UTF_8: Final = 0.9
_MOST_CONTROLS: Final = 0.02
_UNICODE: Final = {UTF_7, UTF_8, UTF_16_LE, UTF_16_BE, UTF_32_LE, UTF_32_BE}
# Of the text before a sample, so that its first cell is whole.
_CONTEXT_BYTES: Final = 200
# UTF-7 may hold back its input without end.
_MOST_UNDECODED_BYTES: Final = 1024 * 1024
# Files in ISO-2022 are ASCII to the end; only their beginning is searched.
_SEARCHED_BYTES: Final = 1024 * 1024

_ASCII, _ALL_BEYOND_ASCII = bytes(range(0x80)), bytes(range(0x80, 0x100))
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_JAPANESE: Final = re.compile(rb"\x1b\$[@B]")
_UTF_8_CHARACTER: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", re.DOTALL
)
_CUT_CHARACTER: Final = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")


class Decoder:
    """Feed it the bytes of a file; it returns them as UTF-8. Synchronous, bounded memory.

    `feed` and `finish` raise `EncodingUnknown` if several encodings would make text of the file.
    """

    def __init__(self, encoding: str | None = None, likely: str = UTF_8) -> None:
        """`encoding`: as `encoding_named` gives it, if the client named it.

        Otherwise the bytes decide. `likely` is the encoding of the file that they belong to.
        """
        self.bom = False
        self.is_guessed = False
        # Words by which the encoding was recognised; none if the file or the client says it, or UTF-8 is beyond doubt.
        self.evidence: tuple[str, ...] = ()
        self._likely = likely
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._recognition = Recognition()
        # The bytes that show which encoding it is: first all beyond ASCII, then those that candidates read differently.
        self._open = _ALL_BEYOND_ASCII
        self._held = b""
        self._context = b""
        self._seen_bytes = 0
        self._has_begun = False

    @property
    def encoding(self) -> str:
        """The encoding as far as it is known; plain ASCII counts as UTF-8."""
        return self._encoding or UTF_8

    def feed(self, block: bytes) -> bytes:
        """Take the next bytes; return the text that is certain by now."""
        return self._take(self._held + block if self._held else block, at_end=False)

    def finish(self) -> bytes:
        """Return what was held back."""
        return self._take(self._held, at_end=True)

    def _take(self, data: bytes, *, at_end: bool) -> bytes:
        self._held = b""
        if not self._has_begun:
            if len(data) < _PROBED_BYTES and not at_end:
                self._held = data
                return b""
            data = self._begin(data)
        if not self._open:
            return self._decoded(data, at_end=at_end)
        if self._decoder is None and data.isascii() and not self._is_iso_2022(data):
            self._remember(data)
            return data
        return b"".join(self._recognised(data, at_end=at_end))

    def _begin(self, data: bytes) -> bytes:
        self._has_begun = True
        kinds = _KINDS.get(self._encoding or "", (self._encoding,))
        # the mark of UTF-16 followed by a zero is the mark of UTF-32
        possible = [name for name, bom in BOMS.items() if data.startswith(bom)]
        found = next((name for name in possible if self._encoding is None or name in kinds), None)
        if self._encoding in _KINDS:
            zeros = _zeros(data)
            self._encoding = found or (zeros if zeros in kinds else kinds[0])
        if encoding := self._encoding or found or _zeros(data):
            self._choose(encoding)
        self.bom = found is not None and found == self._encoding
        # UTF-8 is stored unchanged, byte order mark included.
        return data[len(BOMS[self.encoding]) :] if self.bom and self.encoding != UTF_8 else data

    def _is_iso_2022(self, data: bytes) -> bool:
        if self._seen_bytes >= _SEARCHED_BYTES:
            return False
        self._seen_bytes += len(data)
        if b"\x1b" not in data or not _JAPANESE.search(data):
            return False
        self._choose(ISO_2022_JP)
        return True

    def _recognised(self, data: bytes, *, at_end: bool) -> Iterator[bytes]:
        """The text of the data, as far as it is certain; judges each sample that begins with an open byte."""
        while (first := self._first_open(data)) is not None:
            settled, data = data[:first], data[first:]
            self._remember(settled)
            yield self._decoded(settled, at_end=False)
            if len(data) < SAMPLE_BYTES and not at_end:
                self._held = data
                return
            sample = _whole_lines(self._context, data, at_end=at_end)
            self._judge(sample)
            if at_end and self._encoding == UTF_8 and not self.evidence:
                self.evidence = lone_characters(sample)
        self._remember(data)
        yield self._decoded(data, at_end=at_end)

    def _first_open(self, data: bytes) -> int | None:
        # Removing bytes is several times as fast as a search that finds none of them.
        if not self._open or len(data.translate(None, self._open)) == len(data):
            return None
        return min(found for byte in self._open if (found := data.find(byte)) >= 0)

    def _judge(self, sample: bytes) -> None:
        share = _share_of_utf8(sample)
        if self._encoding is None and ((share >= _LEAST_UTF_8 and is_usual_utf8(sample)) or _is_binary(sample)):
            self._choose(UTF_8)
        elif self._encoding is None and self._likely not in _UNICODE and share < _LEAST_UTF_8 / 2:
            self._choose(self._likely, is_guessed=True)
        else:
            encoding = self._recognition.judge(sample)
            self._choose(encoding, self._recognition.open_bytes(), is_guessed=encoding != UTF_8)
            self.evidence = self._recognition.words

    def _choose(self, encoding: str, open_bytes: bytes = b"", *, is_guessed: bool = False) -> None:
        if encoding != UTF_8 and (self._decoder is None or encoding != self._encoding):
            self._decoder = incremental_decoder(encoding)
        self._encoding = encoding
        self._open = open_bytes
        self.is_guessed = is_guessed

    def _decoded(self, data: bytes, *, at_end: bool) -> bytes:
        if self._decoder is None:
            return data
        text = self._decoder.decode(data, at_end)
        if self._encoding == UTF_7 and len(self._decoder.getstate()[0]) > _MOST_UNDECODED_BYTES:
            text += self._decoder.decode(b"", True)
            self._decoder.reset()
        return to_utf8(text)

    def _remember(self, data: bytes) -> None:
        self._context = (self._context + data[-_CONTEXT_BYTES:])[-_CONTEXT_BYTES:]


def encode(content: bytes, dialect: Dialect) -> bytes:
    """Turn stored content back into the encoding of its file: the inverse of `Decoder` and `exchange`.

    It adds no byte order mark. Characters that the encoding lacks become question marks.
    """
    if dialect.is_exchanged:
        content = exchange(content)
    return content if dialect.encoding == UTF_8 else encoded(from_utf8(content), dialect.encoding)


def bom_of(dialect: Dialect) -> bytes:
    """The byte order mark that the file began with, if any."""
    return BOMS[dialect.encoding] if dialect.bom else b""


def exchange(content: bytes) -> bytes:
    """Swap carriage returns and line feeds."""
    return content.translate(_EXCHANGED)


def _zeros(data: bytes) -> str | None:
    """The kind of UTF-16 or UTF-32 that mostly Latin text shows by its zeros; None if there is no such pattern.

    Most of the first bytes of each unit are zero except one, which never is.
    """
    probed = data[:_PROBED_BYTES]
    for size, little, big in ((2, UTF_16_LE, UTF_16_BE), (4, UTF_32_LE, UTF_32_BE)):
        columns = [probed[start::size] for start in range(size)]
        if not columns[-1]:
            return None
        for own, encoding in ((0, little), (size - 1, big)):
            others = columns[:own] + columns[own + 1 :]
            if 0 not in columns[own] and all(other.count(0) > _LEAST_ZEROS * len(other) for other in others):
                return encoding
    return None


def _whole_lines(context: bytes, data: bytes, *, at_end: bool) -> bytes:
    """A sample of the data, from a little before it to the end of a line, if there is one."""
    sample = data[:SAMPLE_BYTES]
    end = len(sample) if at_end and len(data) <= SAMPLE_BYTES else max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1
    return context + (sample[:end] or _CUT_CHARACTER.sub(b"", sample))


def _share_of_utf8(sample: bytes) -> float:
    """How many of the bytes beyond ASCII belong to valid characters of UTF-8, 0 to 1."""
    try:
        sample.decode()
        return 1.0
    except UnicodeDecodeError:
        pass
    beyond = len(sample) - len(sample.translate(None, _ALL_BEYOND_ASCII))
    invalid = len(_UTF_8_CHARACTER.sub(b"", sample).translate(None, _ASCII))
    return 1 - invalid / beyond


def _is_binary(sample: bytes) -> bool:
    return len(_CONTROL.findall(sample)) > _MOST_CONTROLS * len(sample)
