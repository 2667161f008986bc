"""`cached`: what a route answers is kept until the tenant's rows change, and clients need not read it twice.

    @router.get("/genres", ...)
    @cached()
    async def list_genres(*, runtime: RuntimeDep, tenant: TenantDep, ...) -> NamedCounts:

The answer may depend on the address, the tenant, its published rows and its declared datasets, and on nothing else: not
on uploads that are no rows yet, nor on the time or on who asks. All parameters must be those of the path and the query.
"""

import functools
import hashlib
import inspect
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from api.cache.entity_tags import names, tag_of
from api.cache.versions import Version, current_version
from api.dependencies import Tenant
from api.description.public_names import CACHE_HEADER, KEY_HEADER, NONE_MATCH_HEADER, TENANT_HEADER
from api.runtime import Runtime

Route = TypeVar("Route", bound=Callable[..., Awaitable[Response | BaseModel]])

_CACHED: Final = "is_cached"
_NEEDED: Final = frozenset({"runtime", "tenant"})
_REQUEST: Final = "request"
_OF_CLIENT: Final = ("Authorization", KEY_HEADER, TENANT_HEADER)


def cached(*, dataset: str | None = None, headers: tuple[str, ...] = ()) -> Callable[[Route], Route]:
    """Answer from the cache, or with 304 if the client has the answer already; nothing is read before the version.

    `dataset`: the parameter that names a dataset. Only with it may the answer tell of a declared dataset: that can be
    deleted, and then the version of before is that of the tenant again. `headers`: those of the request that the answer
    depends on as well. With `as_of` nothing is kept: what was visible then may become unknown without another version.
    """

    def decorate(route: Route) -> Route:
        signature = inspect.signature(route)
        wants_request = _REQUEST in signature.parameters
        missing = _NEEDED - signature.parameters.keys()
        if missing:
            raise TypeError(f"{route.__name__} needs the parameters {', '.join(sorted(missing))} to be cached")

        @functools.wraps(route)
        async def answer(**arguments: Any) -> Response:
            async def build() -> Response:
                answer = await route(**arguments)
                return answer if isinstance(answer, Response) else _as_json(answer)

            request = arguments[_REQUEST] if wants_request else arguments.pop(_REQUEST)
            runtime, tenant = arguments["runtime"], arguments["tenant"]
            given = request.path_params | dict(request.query_params)
            if "as_of" in given:
                return await build()
            return await _answer(request, runtime, tenant, given.get(dataset or ""), headers, build)

        setattr(answer, _CACHED, True)
        if not wants_request:
            asked = inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
            signature = signature.replace(parameters=[*signature.parameters.values(), asked])
        setattr(answer, "__signature__", signature)  # noqa: B010  mypy knows no such attribute of functions
        return answer  # type: ignore[return-value]  # FastAPI passes parameters by name only

    return decorate


def name_of(request: Request, software: str, tenant: Tenant, version: Version, headers: tuple[str, ...]) -> str:
    """The name of the answer, a hexadecimal digest of all that it depends on."""
    parameters, of_headers = sorted(request.query_params.multi_items()), [request.headers.get(each) for each in headers]
    said = (software, tenant.name, version.digest, request.url.path, parameters, of_headers)
    return hashlib.sha256(orjson.dumps(said)).hexdigest()


def is_cached(route: Callable[..., Any]) -> bool:
    """Whether the answers of the route are kept and have tags."""
    return hasattr(route, _CACHED)


def _as_json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(), media_type="application/json")


async def _answer(
    request: Request,
    runtime: Runtime,
    tenant: Tenant,
    dataset: str | None,
    headers: tuple[str, ...],
    build: Callable[[], Awaitable[Response]],
) -> Response:
    version = await current_version(runtime.read_engine, tenant.name, dataset)
    if dataset is not None and runtime.registry.find(dataset) is None and not version.is_declared:
        # It is declared only just now, if at all. Once it is deleted, this version may be that of the tenant again.
        return await build()
    name = name_of(request, runtime.answers.software, tenant, version, headers)
    tag = tag_of(name)
    about = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": ", ".join((*_OF_CLIENT, *headers))}
    if names(request.headers.get(NONE_MATCH_HEADER), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=about)
    found, where = await runtime.answers.find_or_make(name, build)
    if found.status_code == HTTPStatus.OK:
        found.headers.update({**about, CACHE_HEADER: where})
    return found
