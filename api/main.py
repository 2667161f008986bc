"""The API's application. `python -m api.server` serves it; other ASGI servers can call `app_from_environment`.

Another server has neither our deadlines nor our limit on connections, see `api/server/serve.py`.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute

from api.cache.routes import is_cached
from api.dependencies import limit_requests
from api.description.openapi import DESCRIPTION, TAGS, describe
from api.description.problems import add_error_handlers
from api.description.public_names import (
    CACHE_HEADER,
    DOCUMENT_PATH,
    KEY_HEADER,
    NONE_MATCH_HEADER,
    TENANT_HEADER,
    TRACE_HEADER,
)
from api.description.strict_parameters import refuse_unknown_and_repeated
from api.middleware.authentication import AuthenticationMiddleware
from api.middleware.body_limits import BodyMiddleware
from api.middleware.head_requests import HeadMiddleware
from api.middleware.local_only import LocalOnlyMiddleware
from api.middleware.security_headers import SecurityHeadersMiddleware
from api.middleware.tracing import TraceMiddleware
from api.middleware.unexpected_errors import UnexpectedErrorMiddleware
from api.routes import (
    admin,
    api_docs,
    changes,
    corrections,
    datasets,
    error_codes,
    genre_report,
    genres,
    health,
    movie_edits,
    movies,
    people,
    preview,
    rejects,
    reload,
    reports,
    rows,
    search,
    shots,
    sources,
    stats,
    tenants,
    upload,
    uploads,
)
from api.runtime import open_runtime
from shared import failpoints, logs
from shared.catalog.registry import Registry
from shared.settings import Settings

# Requests to these routes may name a tenant and count against its limit. Those of operators are about all tenants; the
# other routes serve every client alike and take no parameters.
OF_TENANTS = (
    *(upload.router, sources.router, reload.router, uploads.router, rejects.router, corrections.router),
    *(movies.router, movie_edits.router, shots.router, people.router, search.router, genres.router, stats.router),
    *(reports.router, genre_report.router, datasets.router, preview.router),
    *(rows.router, changes.router, tenants.router),
)
ROUTERS = (*OF_TENANTS, admin.router, error_codes.router, api_docs.router, health.router)


def app_from_environment() -> FastAPI:
    """The factory for any ASGI server."""
    return prepared_app(Settings())


def prepared_app(settings: Settings) -> FastAPI:
    """Prepare this process and return the application."""
    prepare_process(settings)
    return create_app(settings)


def prepare_process(settings: Settings) -> None:
    """Its umask, logs and failpoints."""
    os.umask(0o077)  # only the owner can read uploaded files
    logs.configure(settings, "api")
    failpoints.arm(settings.failpoint)
    # Our own access line has the trace id and the route's template. The server's line has the query, and with it values
    # of users.
    logging.getLogger("uvicorn.access").disabled = True
    _take_over_server_logs()


def _take_over_server_logs() -> None:
    """Let our handlers write the server's log lines, to keep rows out of tracebacks; drop lines with addresses."""
    server = logging.getLogger("uvicorn")
    server.handlers.clear()
    server.propagate = True
    # The line about a refused WebSocket contains the whole address with its query. The API has no WebSockets.
    logging.getLogger("uvicorn.error").addFilter(lambda record: "WebSocket" not in str(record.msg))


def create_app(settings: Settings) -> FastAPI:
    """The application. It opens no connection before its lifespan starts."""
    registry = Registry.built_in()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.openapi()  # each request looks its parameters up there; build it now, so that the first one does not wait
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
        openapi_url=DOCUMENT_PATH,
        docs_url=None,  # see api/routes/api_docs.py
        redoc_url=None,
        # Ours is in `shared.observability`. What FastAPI traces and logs by itself holds values of requests.
        telemetry={
            "auto_configure": False,
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
        },
        redirect_slashes=False,  # a redirect would make a client send its file twice
    )
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(limit_requests)] if router in OF_TENANTS else None)
    _add_middleware(app, settings)
    add_error_handlers(app)
    describe(app, registry, _cached_paths(), are_keys_required=settings.require_keys)
    return app


def _cached_paths() -> list[str]:
    routes = (route for router in ROUTERS for route in router.routes)
    return [route.path for route in routes if isinstance(route, APIRoute) and is_cached(route.endpoint)]


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost. From outside to inside: trace id, security headers, CORS, body limits, local
    # clients only, unexpected errors, authentication, HEAD.
    app.add_middleware(HeadMiddleware)
    if settings.require_keys:
        app.add_middleware(AuthenticationMiddleware, public_docs=settings.public_docs)
    app.add_middleware(UnexpectedErrorMiddleware)
    app.add_middleware(LocalOnlyMiddleware, settings=settings)
    app.add_middleware(BodyMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
            allow_headers=[
                *("Content-Type", "Content-Disposition", "Idempotency-Key", "If-Match", NONE_MATCH_HEADER),
                *("Authorization", TENANT_HEADER, KEY_HEADER, TRACE_HEADER),
            ],
            expose_headers=["Content-Location", "ETag", "Location", "Link", "Retry-After", CACHE_HEADER, TRACE_HEADER],
        )
    app.add_middleware(SecurityHeadersMiddleware, is_cross_origin=bool(settings.cors_origins))
    app.add_middleware(TraceMiddleware)
