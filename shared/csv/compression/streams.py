"""Streams that stand one behind the other in a file, as parallel compressors and `cat` leave them, are read as one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from shared.csv.compression.codec import MOST_WINDOW_BYTES, PADDING, PIECE_BYTES, Codec, Decompressor, Ratio
from shared.csv.unreadable import CorruptArchive, UnsupportedFile

# To open a stream takes as long as to unpack so many bytes, so a stream of nothing counts like them.
_STREAM_BYTES: Final = 1024


class Stream(Protocol):
    """What the libraries have in common: one stream that is being read."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """Bytes behind the end of the stream."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """At most `max_length` bytes of content."""


class BufferedStream(Stream, Protocol):
    """A stream that keeps bytes whose content did not fit."""

    @property
    def needs_input(self) -> bool:
        """Whether it keeps none."""


Opened = TypeVar("Opened", bound=Stream)


def rest_of_buffered(stream: BufferedStream) -> bytes | None:
    """What to pass to the stream next, None if that is the file's next bytes."""
    return None if stream.needs_input else b""


@dataclass(frozen=True, slots=True)
class Format(Generic[Opened]):
    """A kind of streams: how to open one, and what to pass to it next (see `rest_of_buffered`).

    `error` is what it raises. `advice` says how to compress a file that needs too much memory.
    """

    name: str
    open: Callable[[], Opened]
    rest_of: Callable[[Opened], bytes | None]
    error: type[Exception]
    advice: str = ""


class Streams(Generic[Opened]):
    """A `Decompressor` of any number of streams; zeros may stand between and behind them."""

    member: str | None = None

    def __init__(self, kind: Format[Opened], ratio: Ratio) -> None:
        self._format = kind
        self._ratio = ratio
        self._stream: Opened | None = None

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Unpack the next bytes; raises `CorruptArchive`, `CompressionRatioTooHigh` and `UnsupportedFile`."""
        rest: bytes | None = block
        kind, stream, opened = self._format, self._stream, 0
        while rest is not None and (stream is not None or (rest := rest.lstrip(PADDING))):
            if stream is None:
                stream = kind.open()
                opened += 1
            try:
                piece = stream.decompress(rest, PIECE_BYTES)
            except kind.error as error:
                raise self._refusal(str(error)) from error
            if piece:
                self._ratio.add_out(len(piece))
                yield piece
            if stream.eof:
                rest, stream = stream.unused_data, None
            else:
                rest = kind.rest_of(stream)
        self._stream = stream
        self._ratio.add_out(opened * _STREAM_BYTES)

    def finish(self) -> None:
        """Raise `CorruptArchive` if the file ends within a stream."""
        if self._stream is not None:
            raise CorruptArchive(f"the {self._format.name} stream is cut off")

    def _refusal(self, reason: str) -> Exception:
        # Neither library has a code for this error.
        if "memory" in reason.lower():
            most = MOST_WINDOW_BYTES // 1024**2
            return UnsupportedFile(f"to unpack the file takes more than {most} MiB of memory; {self._format.advice}")
        return CorruptArchive(f"the {self._format.name} stream is corrupt")


def stream_codec(
    kind: Format[Opened], endings: tuple[str, ...], magic: tuple[bytes, ...], media_types: tuple[str, ...]
) -> Codec:
    """A codec whose files are such streams."""

    def open_streams(ratio: Ratio, _member: str | None) -> Decompressor:
        return Streams(kind, ratio)

    return Codec(kind.name, endings, magic, media_types, open_streams)
