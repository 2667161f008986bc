"""Zstandard, RFC 8878."""

import sys
from typing import Final

from shared.csv.compression.codec import MOST_WINDOW_BYTES
from shared.csv.compression.streams import Format, rest_of_buffered, stream_codec

# Python's own module, of which `backports.zstd` is the same code for older versions. Unlike the package `zstandard`, it
# can limit the content that one call returns.
if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: Final = {int(zstd.DecompressionParameter.window_log_max): MOST_WINDOW_BYTES.bit_length() - 1}
_FRAME: Final = b"\x28\xb5\x2f\xfd"
# `pzstd` and seekable files have frames that decoders skip.
_SKIPPABLE_FRAMES: Final = tuple(bytes([0x50 + kind]) + b"\x2a\x4d\x18" for kind in range(16))


def _open() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options=_OPTIONS)


ZSTD: Final = stream_codec(
    Format(
        "Zstandard", _open, rest_of_buffered, zstd.ZstdError, "compress it with `zstd -19` or less, without `--long`"
    ),
    (".zst", ".zstd"),
    (_FRAME, *_SKIPPABLE_FRAMES),
    ("application/zstd",),
)
