"""bzip2."""

import bz2
from typing import Final

from shared.csv.compression.streams import Format, rest_of_buffered, stream_codec

_BLOCK: Final = b"1AY&SY"
_END: Final = b"\x17rE8P\x90"

BZIP2: Final = stream_codec(
    Format("bzip2", bz2.BZ2Decompressor, rest_of_buffered, OSError),
    (".bz2",),
    # "BZh" alone could begin a table
    tuple(b"BZh%d" % level + first for level in range(1, 10) for first in (_BLOCK, _END)),
    ("application/x-bzip2",),
)
