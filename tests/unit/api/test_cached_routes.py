import inspect
from typing import Any, Final

import pytest
from fastapi import Request, Response

from api.cache.routes import cached, is_cached, name_of
from api.cache.versions import Version
from api.dependencies import Tenant

VERSION: Final = Version("1", is_declared=False)
TENANT: Final = Tenant("films", is_in_query=False)


def named(
    query: str = "a=1&b=2",
    path: str = "/movies",
    wanted: str = "text/csv",
    software: str = "1",
    tenant: Tenant = TENANT,
    version: Version = VERSION,
    headers: tuple[str, ...] = ("Accept",),
) -> str:
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("api", 80),
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"accept", wanted.encode())],
    }
    return name_of(Request(scope), software, tenant, version, headers)


@pytest.mark.parametrize(
    "other",
    [
        {"query": "a=1"},
        {"query": "a=1&b=3"},
        {"query": "a=1&b=2&b=2"},
        {"query": "a=1%26b%3D2"},
        {"query": "a=2&b=1"},
        {"path": "/movie"},
        {"wanted": "application/json"},
        {"software": "2"},
        {"tenant": Tenant("film", is_in_query=False)},
        {"version": Version("2", is_declared=False)},
        {"headers": ()},
    ],
    ids=str,
)
def test_whatever_an_answer_depends_on_gives_it_another_name(other: dict[str, Any]) -> None:
    assert named(**other) != named()


def test_what_it_does_not_depend_on_gives_it_no_other_name() -> None:
    assert named("b=2&a=1") == named()
    assert named("a=%31&b=2") == named()
    assert named(wanted="application/json", headers=()) == named(headers=())


def test_a_route_that_cannot_be_cached_is_refused_when_it_is_defined() -> None:
    async def without_tenant(*, request: Request, runtime: object) -> Response:
        return Response(repr((request, runtime)))

    async def complete(*, request: Request, runtime: object, tenant: Tenant) -> Response:
        return Response(repr((request, runtime, tenant)))

    with pytest.raises(TypeError, match="without_tenant needs the parameters tenant to be cached"):
        cached()(without_tenant)

    async def without_request(*, runtime: object, tenant: Tenant) -> Response:
        return Response(repr((runtime, tenant)))

    for route in (complete, without_request):
        assert is_cached(cached()(route))
        assert {*inspect.signature(cached()(route)).parameters} == {"request", "runtime", "tenant"}
    assert not is_cached(complete)
