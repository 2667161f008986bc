"""Bugs put on purpose into copies of the project: what the tests are worth. See `__main__.py` and `bugs.py`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """In `path`, `old`, which stands there exactly once, becomes `new`; `also`: further such pairs of the same file.

    `old` is as short as it can be, so that other changes of the file leave it alone. `tests` are pytest's names.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()

    def seed(self, source: str) -> str:
        """The file with the bug in it; raises `ValueError` unless each text to replace stands there exactly once."""
        for old, new in ((self.old, self.new), *self.also):
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: found {source.count(old)} times in {self.path}: {old!r}")
            source = source.replace(old, new)
        return source
