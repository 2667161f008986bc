"""The API's application: `python -m uvicorn api.main:app_from_environment --factory`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api.authentication import KEY_HEADER, AuthenticationMiddleware
from api.errors import add_error_handlers
from api.middleware import TRACE_HEADER, TraceMiddleware, UnexpectedErrorMiddleware
from api.openapi import DESCRIPTION, TAGS, describe_problems
from api.parameters import refuse_unknown_and_repeated
from api.routes import datasets, errors, health, mending, movies, rejects, tenants, upload, uploads
from api.runtime import open_runtime
from shared import failpoints, logs
from shared.settings import Settings

ROUTERS = (
    upload.router,
    uploads.router,
    rejects.router,
    mending.router,
    movies.router,
    datasets.router,
    tenants.router,
    errors.router,
    health.router,
)


def app_from_environment() -> FastAPI:
    """The factory that the server calls; the one place of the API that reads settings from the environment."""
    settings = Settings()
    logs.configure(settings, "api")
    failpoints.arm(settings.failpoint)
    # Our own line has the trace id and the route's template; the server's has the query, and with it users' values.
    logging.getLogger("uvicorn.access").disabled = True
    return create_app(settings)


def create_app(settings: Settings) -> FastAPI:
    """The application; opens nothing before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.openapi()  # each request asks it for its parameters; the first one shall not wait until it is made
        async with open_runtime(settings) as runtime:
            app.state.runtime = runtime
            yield

    app = FastAPI(
        title="imdb-ingest",
        version="0.1.0",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        dependencies=[Depends(refuse_unknown_and_repeated)],
        redirect_slashes=False,  # a redirect would make a client send its file twice
    )
    for router in ROUTERS:
        app.include_router(router)
    _add_middleware(app, settings)
    add_error_handlers(app)
    describe_problems(app, are_keys_required=settings.require_keys)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost: trace id, then CORS, then the net for unexpected errors, then the key.
    if settings.require_keys:
        app.add_middleware(AuthenticationMiddleware, public_docs=settings.public_docs)
    app.add_middleware(UnexpectedErrorMiddleware)
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
    app.add_middleware(TraceMiddleware)
