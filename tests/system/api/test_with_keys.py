"""What an API with keys does differently, of routes whose other tests need none. They share its stack."""

import httpx

from shared.keys.administration import revoke
from stack.local import LocalStack
from tests.system.api import test_reload as reload
from tests.system.api.defaults import set_default
from tests.system.api.keyed import client_with, key_for, keys_of
from tests.system.api.sending import assert_problem
from tests.system.api.test_cached_answers import asked
from tests.system.api.test_openapi import operations


def test_nothing_kept_is_told_without_a_key(keyed: LocalStack) -> None:
    key = key_for(keyed, "films")
    with client_with(keyed, key) as client, client_with(keyed, key_for(keyed, "other")) as other:
        _, tag, _ = asked(client, "/movies")
        assert asked(client, "/movies")[:2] == ("hit", tag)
        assert client.get("/movies", headers={"If-None-Match": tag}).status_code == 304
        assert other.get("/movies", headers={"If-None-Match": tag}).status_code == 200
        assert_problem(
            other.get("/movies", headers={"If-None-Match": tag, "X-Tenant": "films"}), 403, "tenant_forbidden"
        )
        with keys_of(keyed) as connection:
            revoke(connection, key.id)
        for headers in ({}, {"If-None-Match": tag}):
            answer = client.get("/movies", headers=headers)
            assert answer.status_code == 401
            assert "etag" not in answer.headers


def test_a_page_of_another_origin_may_revalidate(keyed: LocalStack) -> None:
    asked_for = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match,x-tenant"}
    origin = {"Origin": "https://films.example"}
    allowed = httpx.options(f"{keyed.api_url}/api/v1/movies", headers=origin | asked_for, trust_env=False)
    assert allowed.status_code == 200
    with client_with(keyed, key_for(keyed, "films")) as client:
        answer = client.get("/movies", headers=origin)
    assert set(answer.headers["vary"].split(", ")) == {"Authorization", "X-API-Key", "X-Tenant", "Origin"}
    assert {"ETag", "X-Cache"} <= set(answer.headers["access-control-expose-headers"].split(", "))


def test_where_keys_are_required_the_document_says_so(keyed: LocalStack) -> None:
    with client_with(keyed, key_for(keyed, "public")) as client:
        document = client.get(f"{keyed.api_url}/openapi.json").raise_for_status().json()
    for name, operation in operations(document):
        assert {} not in operation.get("security", ()), name


def test_a_reload_is_for_those_who_may_upload(keyed: LocalStack, tenant: str) -> None:
    set_default(keyed, tenant, reload.DEFAULT)
    with client_with(keyed, key_for(keyed, tenant, scopes=("read",))) as reader:
        assert_problem(reader.post("/reload"), 403, "scope_missing")
    with client_with(keyed, None) as nobody:
        assert_problem(nobody.post("/reload"), 401, "key_required")
    with client_with(keyed, key_for(keyed, tenant)) as client:
        reload.loaded(client, client.post("/reload"))
        assert reload.titles(client) == ["Alpha", "Beta"]
