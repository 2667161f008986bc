"""Cleans pictures in a process of their own (`shared.shots.process`): decoders of pictures read what anybody sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from api.side_process import SideProcess
from shared.errors import Unavailable
from shared.shots.picture import Picture, RawPicture

# Each holds the whole picture in memory.
_MOST_AT_A_TIME: Final = 32


class Pictures:
    """One picture is cleaned at a time; the others wait."""

    def __init__(self) -> None:
        self._process = SideProcess(
            "shared.shots.process", "to read the picture took too long or broke off; a smaller one may do"
        )
        self._at_a_time = 0

    @contextmanager
    def room(self) -> Iterator[None]:
        """Room for one picture in memory until the block ends; raises `Unavailable` if there is none."""
        if self._at_a_time >= _MOST_AT_A_TIME:
            raise Unavailable("Too many pictures come in at this moment; try again in a few seconds.")
        self._at_a_time += 1
        try:
            yield
        finally:
            self._at_a_time -= 1

    async def clean(self, raw: RawPicture) -> Picture:
        """See `shared.shots.cleaning.clean`; raises `Unavailable` as well."""
        picture: Picture = await self._process.ask(raw)
        return picture

    async def aclose(self) -> None:
        """End the process."""
        await self._process.aclose()
