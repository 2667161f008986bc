"""Carries edits out in a process of their own (`shared.ingest.manual.process`), which starts with the first one."""

import asyncio

from api.notifications.background_loaders import environment_of
from api.side_process import SideProcess
from shared.ingest.manual.edit import Edit, Edited
from shared.settings import Settings


class Edits:
    """One edit at a time; the others wait. One that is ended meanwhile has done all of it or nothing."""

    def __init__(self, settings: Settings) -> None:
        self._process = SideProcess(
            "shared.ingest.manual.process",
            "the change took too long or broke off; look whether it has been made",
            environment_of(settings),
        )

    async def apply(self, edit: Edit) -> Edited:
        """See `shared.ingest.manual.editing.Editor.apply`; after `Unavailable` it may have been carried out.

        A client that goes away does not break it off.
        """
        edited: Edited = await asyncio.shield(asyncio.create_task(self._process.ask(edit)))
        return edited

    async def aclose(self) -> None:
        """End the process."""
        await self._process.aclose()
