"""A process of the API's own for work that could be slow or end badly (`shared.side_process`)."""

import asyncio
import pickle  # nosec B403  between this process and its own ones only
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from shared.errors import Unavailable
from shared.side_process import LENGTH_BYTES

_SECONDS: Final = 20.0
# The first question waits for the process to start, too.
_FIRST_SECONDS: Final = 90.0


class SideProcess:
    """It starts with the first question and answers one at a time; one that takes too long is ended."""

    def __init__(self, module: str, too_long: str, environment: Mapping[str, str] | None = None) -> None:
        """`module`: it runs as a program. `too_long`: what a client is told if it took too long or broke off.

        `environment`: that of the process, by default the API's.
        """
        self._module = module
        self._too_long = too_long
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def ask(self, question: object) -> Any:
        """The answer; raises it if it is an error, and `Unavailable`."""
        async with self._lock:
            try:
                seconds = _FIRST_SECONDS if self._process is None else _SECONDS
                answer = await asyncio.wait_for(self._ask(pickle.dumps(question)), seconds)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                raise Unavailable(self._too_long) from error
            finally:
                if sys.exception() is not None:  # what it would still write must not answer another request
                    await self.aclose()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, content: bytes) -> Any:
        if self._process is None:
            command = (sys.executable, "-m", self._module)
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, env=self._environment
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(len(content).to_bytes(LENGTH_BYTES) + content)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
        return pickle.loads(await process.stdout.readexactly(size))  # noqa: S301  # nosec B301  only our own process writes to it
