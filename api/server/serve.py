"""The API as a process: `python -m api.server --host 127.0.0.1 --port 8000`.

This module alone configures uvicorn. Several processes behind the address are uvicorn's own: it knows our protocol
class, replaces a process that has died, and gunicorn would be one more server to configure.

Exit codes: 0 after SIGTERM, 2 for invalid arguments or for settings that would open the API to everyone, 3 if it could
not start.
"""

import argparse
import gc
import os
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from uvicorn.supervisors import Multiprocess

from api.main import prepare_process, prepared_app
from api.middleware.local_only import is_loopback
from api.server.protocol import protocol_with
from api.server.transfer_rate import TransferRate
from shared.parent_process import end_with_parent
from shared.settings import Settings, wrong_settings
from shared.storage.opening import open_storage

_BACKLOG: Final = 512
_KEEP_ALIVE_SECONDS: Final = 5
_NOT_STARTED: Final = 3
# A process that loads or that a busy machine has suspended for a while is not dead.
_SILENT_SECONDS: Final = 60


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
    parser.add_argument("--workers", type=int, help="API processes (default: INGEST_API_WORKERS, or 1)")
    options = parser.parse_args(arguments)
    try:
        settings = Settings() if options.workers is None else Settings(api_workers=options.workers)
    except ValidationError as error:
        parser.error(f"settings: {wrong_settings(error)}")
    if not settings.require_keys and not is_loopback(options.host):
        parser.error(
            f"without API keys, every client that reaches {options.host} could do everything. Set"
            " INGEST_REQUIRE_KEYS=true and create keys, or listen on 127.0.0.1."
        )
    try:
        open_storage(settings)
    except ValueError as error:
        parser.error(f"INGEST_STORAGE_URL: {error}")
    configured = configuration(settings, options.host, options.port, options.graceful_seconds)
    if settings.api_workers > 1:
        return _serve_by_several(settings, configured)
    server = uvicorn.Server(configured)
    server.run()
    return 0 if server.started else _NOT_STARTED


def _serve_by_several(settings: Settings, configured: uvicorn.Config) -> int:
    prepare_process(settings)
    supervisor = _Supervisor(configured, [configured.bind_socket()])
    supervisor.run()
    return _NOT_STARTED if any(process.exitcode == _NOT_STARTED for process in supervisor.processes) else 0


class _Supervisor(Multiprocess):
    """Sees at once that a process has died while it is asked whether it lives.

    uvicorn keeps the child's end of the pipe open in this process, too, and so would wait as long as for a silent one.
    """

    def keep_subprocess_alive(self) -> None:
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()


class _Configuration(uvicorn.Config):
    """Can be sent to a process, which makes it again: the class of `protocol_with` cannot be found by its name."""

    made_of: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return configuration, self.made_of


def _app(settings: Settings) -> FastAPI:
    """The application of this process, which ends with the one that supervises it."""
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    app = prepared_app(settings)
    app.openapi()
    # Nothing of it ever becomes garbage; to look it all through for garbage stopped every request for 100 ms.
    gc.freeze()
    return app


def configuration(settings: Settings, host: str, port: int, graceful_seconds: int) -> uvicorn.Config:
    """The configuration with which uvicorn runs the application."""
    transfer_rate = TransferRate(
        settings.header_seconds, settings.transfer_window_seconds, settings.transfer_rate_bytes
    )
    configured = _Configuration(
        partial(_app, settings),
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
        workers=settings.api_workers,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    configured.made_of = settings, host, port, graceful_seconds
    return configured
