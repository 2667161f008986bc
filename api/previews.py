"""Makes previews in a process of their own (`shared.ingest.preview.process`)."""

from typing import Any

from api.side_process import SideProcess
from shared.ingest.preview.beginning import Beginning


class Previews:
    """One preview at a time; the others wait."""

    def __init__(self) -> None:
        self._process = SideProcess(
            "shared.ingest.preview.process",
            "the preview took too long or broke off; a shorter beginning of the file may do",
        )

    async def preview(self, beginning: Beginning) -> dict[str, Any]:
        """See `shared.ingest.preview.preview.preview`; raises `Unavailable` as well."""
        found: dict[str, Any] = await self._process.ask(beginning)
        return found

    async def aclose(self) -> None:
        """End the process."""
        await self._process.aclose()
