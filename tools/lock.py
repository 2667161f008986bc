"""The lock files as data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ("requirements.txt", "requirements-dev.txt")

_PACKAGE: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\\n]+)((?:.*\\\n)*.*)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """A package in its locked version; `sha256` are the hashes of its files."""

    name: str
    version: str
    sha256: tuple[str, ...]


def locked(name: str) -> Iterator[Locked]:
    """The packages of a lock file, in the order of the file."""
    for package, version, rest in _PACKAGE.findall((ROOT / name).read_text(encoding="utf-8")):
        yield Locked(package, version, tuple(_HASH.findall(rest)))
