"""The API's application. `python -m api.server.serve` serves it; `app_from_environment` is for who brings a server.

Another server has neither our deadlines nor our limits of connections: see api/server/serve.py.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api.dependencies import limit_requests
from api.description.openapi import DESCRIPTION, TAGS, describe
from api.description.problems import add_error_handlers
from api.description.strict_parameters import refuse_unknown_and_repeated
from api.middleware.authentication import KEY_HEADER, AuthenticationMiddleware
from api.middleware.body_limits import BodyMiddleware
from api.middleware.local_only import LocalOnlyMiddleware
from api.middleware.security_headers import SecurityHeadersMiddleware
from api.middleware.tracing import TRACE_HEADER, TraceMiddleware
from api.middleware.unexpected_errors import UnexpectedErrorMiddleware
from api.routes import (
    api_docs,
    corrections,
    datasets,
    error_codes,
    health,
    movies,
    rejects,
    tenants,
    upload,
    uploads,
)
from api.runtime import open_runtime
from shared import failpoints, logs
from shared.catalog.registry import Registry
from shared.settings import Settings

# Their requests may name a tenant, and count for it; the others are for anybody, and take no parameters.
OF_TENANTS = (
    *(upload.router, uploads.router, rejects.router, corrections.router, movies.router),
    *(datasets.router, tenants.router),
)
ROUTERS = (*OF_TENANTS, error_codes.router, api_docs.router, health.router)


def app_from_environment() -> FastAPI:
    """The factory for any ASGI server."""
    return prepared_app(Settings())


def prepared_app(settings: Settings) -> FastAPI:
    """The application, in a process that is made ready for it."""
    os.umask(0o077)  # what is uploaded is nobody else's
    logs.configure(settings, "api")
    failpoints.arm(settings.failpoint)
    # Our own line has the trace id and the route's template; the server's has the query, and with it users' values.
    logging.getLogger("uvicorn.access").disabled = True
    _take_over_server_logs()
    return create_app(settings)


def _take_over_server_logs() -> None:
    """The server writes its lines like ours, which keeps rows out of tracebacks, and names no address."""
    server = logging.getLogger("uvicorn")
    server.handlers.clear()
    server.propagate = True
    # That a WebSocket was refused is told with its address, query and all; there are none here.
    logging.getLogger("uvicorn.error").addFilter(lambda record: "WebSocket" not in str(record.msg))


def create_app(settings: Settings) -> FastAPI:
    """The application; opens nothing before its lifespan starts."""
    registry = Registry.built_in()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.openapi()  # each request asks it for its parameters; the first one shall not wait until it is made
        async with open_runtime(settings, registry) as runtime:
            app.state.runtime = runtime
            yield

    app = FastAPI(
        title="imdb-ingest",
        version="0.1.0",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        dependencies=[Depends(refuse_unknown_and_repeated)],
        docs_url=None,  # see api/routes/api_docs.py
        redoc_url=None,
        redirect_slashes=False,  # a redirect would make a client send its file twice
    )
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(limit_requests)] if router in OF_TENANTS else None)
    _add_middleware(app, settings)
    add_error_handlers(app)
    describe(app, registry, are_keys_required=settings.require_keys)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost: trace id, headers, CORS, bodies, who may call, the net for unexpected errors,
    # the key.
    if settings.require_keys:
        app.add_middleware(AuthenticationMiddleware, public_docs=settings.public_docs)
    app.add_middleware(UnexpectedErrorMiddleware)
    app.add_middleware(LocalOnlyMiddleware, settings=settings)
    app.add_middleware(BodyMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=[
                *("Content-Type", "Content-Disposition", "Idempotency-Key", "X-Tenant"),
                *("Authorization", KEY_HEADER, TRACE_HEADER),
            ],
            expose_headers=["Location", "Link", "Retry-After", TRACE_HEADER],
        )
    app.add_middleware(SecurityHeadersMiddleware, is_cross_origin=bool(settings.cors_origins))
    app.add_middleware(TraceMiddleware)
