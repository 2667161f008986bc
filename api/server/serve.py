"""The API as a process: `python -m api.server --host 127.0.0.1 --port 8000`.

This module alone configures uvicorn. Exit codes: 0 after SIGTERM, 2 for invalid arguments or for settings that would
open the API to everyone, 3 if it could not start.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Final

import uvicorn

from api.main import prepared_app
from api.middleware.local_only import is_loopback
from api.server.protocol import protocol_with
from api.server.transfer_rate import TransferRate
from shared.settings import Settings

_BACKLOG: Final = 512
_KEEP_ALIVE_SECONDS: Final = 5
_NOT_STARTED: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m api.server", description="The HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--graceful-seconds",
        type=int,
        default=25,
        help="time for requests in flight after SIGTERM (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    settings = Settings()
    if not settings.require_keys and not is_loopback(options.host):
        parser.error(
            f"without API keys, every client that reaches {options.host} could do everything. Set"
            " INGEST_REQUIRE_KEYS=true and create keys, or listen on 127.0.0.1."
        )
    server = uvicorn.Server(configuration(settings, options.host, options.port, options.graceful_seconds))
    server.run()
    return 0 if server.started else _NOT_STARTED


def configuration(settings: Settings, host: str, port: int, graceful_seconds: int) -> uvicorn.Config:
    """The configuration with which uvicorn runs the application."""
    transfer_rate = TransferRate(
        settings.header_seconds, settings.transfer_window_seconds, settings.transfer_rate_bytes
    )
    return uvicorn.Config(
        partial(prepared_app, settings),
        factory=True,
        host=host,
        port=port,
        http=protocol_with(transfer_rate),
        ws="none",  # the API has no WebSockets
        lifespan="on",
        limit_concurrency=settings.max_connections,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=graceful_seconds,
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        server_header=False,
        access_log=False,
    )
