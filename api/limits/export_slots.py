"""Slots for the exports that one API process serves at a time: each keeps a database connection until it ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import Unavailable


class ExportSlots:
    """`most` slots of this process."""

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a slot until the block ends; raises `Unavailable` if none is free."""
        if not self._free:
            raise Unavailable("The API serves its maximum number of exports; try again later.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
