"""The client of a request, as its verified key describes it."""

from dataclasses import dataclass

from fastapi import Request


@dataclass(frozen=True)
class Client:
    """The holder of a key. The first of `tenants` is the default for requests that name none; an operator has none."""

    key_id: str
    tenants: tuple[str, ...]
    scopes: frozenset[str]


def client_of(request: Request) -> Client | None:
    """The request's client; None if keys are not required."""
    client: Client | None = getattr(request.state, "client", None)
    return client
