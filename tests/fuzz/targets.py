"""What is fuzzed, by name: the check, the seeds, and how many mutations of them the suite tries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.csv.compression.codec import Codec
from shared.csv.compression.registry import CODECS
from tests.fuzz import compression, reader, seeds, sniffer, splitter


@dataclass(frozen=True, slots=True)
class Target:
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    mutations: int


def _unpacking(codec: Codec) -> Target:
    files = compression.files_of(codec, seeds.files(compression.CONTROLS))
    return Target(compression.check_of(codec), files, mutations=2_000)


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "splitter": Target(splitter.check, seeds.tables(splitter.CONTROLS), mutations=700),
        "reader": Target(reader.check, seeds.tables(reader.CONTROLS), mutations=3_000),
        "sniffer": Target(sniffer.check, seeds.files(sniffer.CONTROLS), mutations=150),
        **{codec.name.lower(): _unpacking(codec) for codec in CODECS},
    }
)
