"""The names that tables have, plain or as a compressed stream."""

from typing import Final

from shared.csv.compression.bz2 import BZIP2
from shared.csv.compression.codec import Codec
from shared.csv.compression.gzip import GZIP
from shared.csv.compression.xz import XZ
from shared.csv.compression.zstd import ZSTD

STREAMS: Final = (GZIP, BZIP2, XZ, ZSTD)
# Nothing else ends like that.
_SURE: Final = (".csv", ".tsv")
# Tables of many publishers (MovieLens has u.item, u.data and movies.dat), but also texts and other data.
_LIKELY: Final = (".txt", ".tab", ".psv", ".dat", ".data", ".item")
TABLE_ENDINGS: Final = (*_SURE, *_LIKELY)


def stream_of(name: str) -> Codec | None:
    """The codec of one file by which a file of this name is compressed."""
    return next((codec for codec in STREAMS if name.lower().endswith(codec.endings)), None)


def stem_of(name: str, codec: Codec | None) -> str:
    """The name without the ending of the codec, in small letters."""
    lower = name.lower()
    endings = codec.endings if codec else ()
    return next((lower.removesuffix(ending) for ending in endings if lower.endswith(ending)), lower)


def likelihood(name: str) -> int:
    """How likely a file of this name is a table: 0 to 2."""
    stem = stem_of(name, stream_of(name))
    return 2 if stem.endswith(_SURE) else int(stem.endswith(_LIKELY))
