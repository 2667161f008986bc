"""Makes previews in a process of their own (`shared.ingest.preview.process`), which starts with the first one."""

import asyncio
import pickle  # nosec B403  between this process and its own one only
import sys
from contextlib import suppress
from typing import Any, Final

from shared.errors import Unavailable
from shared.ingest.preview.beginning import LENGTH_BYTES, Beginning

_SECONDS: Final = 20.0
# The first one waits for the process to start, which imports pandas and pandera.
_FIRST_SECONDS: Final = 90.0


class Previews:
    """One preview at a time; the others wait. A process that takes too long is ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def preview(self, beginning: Beginning) -> dict[str, Any]:
        """See `shared.ingest.preview.preview.preview`; raises `Unavailable` as well."""
        async with self._lock:
            try:
                seconds = _FIRST_SECONDS if self._process is None else _SECONDS
                answer = await asyncio.wait_for(self._ask(pickle.dumps(beginning)), seconds)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                raise Unavailable(
                    "the preview took too long or broke off; a shorter beginning of the file may do"
                ) from error
            finally:
                if sys.exception() is not None:  # what it would still write must not answer another request
                    await self.aclose()
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, content: bytes) -> Any:
        if self._process is None:
            command = (sys.executable, "-m", "shared.ingest.preview.process")
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(len(content).to_bytes(LENGTH_BYTES) + content)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
        return pickle.loads(await process.stdout.readexactly(size))  # noqa: S301  # nosec B301  only our own process writes to it
