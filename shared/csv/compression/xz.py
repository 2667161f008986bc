"""xz."""

import lzma
from typing import Final

from shared.csv.compression.codec import MOST_WINDOW_BYTES
from shared.csv.compression.streams import Format, rest_of_buffered, stream_codec

# What the decoder needs beside its dictionary.
_OVERHEAD_BYTES: Final = 2 * 1024 * 1024


def _open() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_WINDOW_BYTES + _OVERHEAD_BYTES)


XZ: Final = stream_codec(
    Format(
        "xz", _open, rest_of_buffered, lzma.LZMAError, "compress it with `xz -9` or less, without a larger dictionary"
    ),
    (".xz",),
    (b"\xfd7zXZ\0",),
    ("application/x-xz",),
)
