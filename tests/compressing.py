"""Content in every compression, by the ending of a name."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable

from tests.archives import Member, archive

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compress = Callable[[bytes], bytes]


def compress_zstd(content: bytes, window_log: int | None = None) -> bytes:
    """With a checksum, as the program writes it, and without the content's size, so that it tells its window."""
    options = {int(zstd.CompressionParameter.checksum_flag): 1}
    if window_log is not None:
        options[zstd.CompressionParameter.window_log] = window_log
    packer = zstd.ZstdCompressor(options=options)
    return packer.compress(content) + packer.flush()


def compress_xz(content: bytes, dict_bytes: int = 8 << 20) -> bytes:
    """As `xz` writes it; `dict_bytes` is what its level chooses."""
    return lzma.compress(content, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": dict_bytes}])


STREAMS: dict[str, Compress] = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".bz2": bz2.compress,
    ".xz": compress_xz,
    ".zst": compress_zstd,
}
# One stream, without a limit.
OPEN = {".bz2": bz2.BZ2Decompressor, ".xz": lzma.LZMADecompressor, ".zst": zstd.ZstdDecompressor}
COMPRESS: dict[str, Compress] = {**STREAMS, ".zip": lambda content: archive(Member("x.csv", content))}
