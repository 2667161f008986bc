"""gzip, RFC 1952."""

import zlib
from functools import partial
from typing import TYPE_CHECKING, Final

from shared.csv.compression.streams import Format, stream_codec

if TYPE_CHECKING:
    from zlib import _Decompress

_WITH_HEADER: Final = 31  # makes zlib expect a gzip header and trailer


def _rest_of(stream: "_Decompress") -> bytes | None:
    return stream.unconsumed_tail or None


GZIP: Final = stream_codec(
    Format("gzip", partial(zlib.decompressobj, _WITH_HEADER), _rest_of, zlib.error),
    (".gz",),
    (b"\x1f\x8b",),
    ("application/gzip", "application/x-gzip"),
)
