"""What an export is, whatever its format."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

# Takes the next bytes of the file, and returns when there is room for more.
Write = Callable[[bytes], Awaitable[None]]
# Writes the whole file; raises if it cannot be completed.
Export = Callable[[Write], Coroutine[Any, Any, None]]
