"""Random inputs, the same for the same seed: for a run without coverage."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

_TOKENS: Final = (
    b'"',
    b"'",
    b",",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\\",
    b'""',
    b'","',
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"a",
)
_MOST_BYTES: Final = 4096


def mutated(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Each a seed with some changes."""
    random = Random(seed)  # noqa: S311  not for secrets
    for _ in range(count):
        data = random.choice(seeds)
        for _ in range(random.randint(1, 6)):
            data = random.choice(_CHANGES)(random, data, random.choice(seeds))
        yield data[:_MOST_BYTES]


def _range(random: Random, data: bytes) -> tuple[int, int]:
    begin = random.randint(0, len(data))
    return begin, min(begin + int(random.expovariate(0.1)), len(data))


def _insert(random: Random, data: bytes, _: bytes) -> bytes:
    begin, end = _range(random, data)
    return data[:begin] + random.choice(_TOKENS) + data[end if random.random() < 0.5 else begin :]


def _delete(random: Random, data: bytes, _: bytes) -> bytes:
    begin, end = _range(random, data)
    return data[:begin] + data[end:]


def _repeat(random: Random, data: bytes, _: bytes) -> bytes:
    begin, end = _range(random, data)
    return data[:end] + data[begin:end] * random.randint(1, 40) + data[end:]


def _flip(random: Random, data: bytes, _: bytes) -> bytes:
    location = random.randint(0, len(data))
    return data[:location] + bytes([random.randrange(256)]) + data[location + 1 :]


def _splice(random: Random, data: bytes, other: bytes) -> bytes:
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


_CHANGES: Final[Sequence[Callable[[Random, bytes, bytes], bytes]]] = (
    _insert,
    _insert,
    _delete,
    _repeat,
    _flip,
    _splice,
)
