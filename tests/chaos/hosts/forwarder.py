"""`python -m tests.chaos.hosts.forwarder 10.77.0.2 8000`: what a reverse proxy is for an API that asks for no keys.

It passes bytes between that address and the same port of 127.0.0.1.
"""

import asyncio
import contextlib
import sys

from stack.ports import LOCALHOST


async def forward(address: str, port: int) -> None:
    """For ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, requests = await asyncio.open_connection(LOCALHOST, port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pass_on(reader, requests), _pass_on(answers, writer))

    server = await asyncio.start_server(serve, address, port)
    await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, until its end or until one side is gone."""
    with contextlib.suppress(OSError):
        while block := await reader.read(65_536):
            writer.write(block)
            await writer.drain()
        writer.write_eof()
        return
    writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(forward(sys.argv[1], int(sys.argv[2])))
