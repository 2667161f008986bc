"""Who asks: what is known of a request's client once its key was verified."""

from dataclasses import dataclass

from fastapi import Request


@dataclass(frozen=True)
class Client:
    """The holder of a key. Of several tenants, the first is meant where a request names none."""

    key_id: str
    tenants: tuple[str, ...]
    scopes: frozenset[str]


def client_of(request: Request) -> Client | None:
    """The request's client; None where keys are not required."""
    client: Client | None = getattr(request.state, "client", None)
    return client
