"""Keys for tests of an API that asks for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
from sqlalchemy import Connection, create_engine

from shared.keys.administration import create
from shared.keys.api_key import Key
from shared.settings import Settings
from stack.local import LocalStack

BOTH = ("read", "upload")
# It is over before the database is asked again.
SHORTEST = timedelta(microseconds=1)
# For stacks whose tests ask for more than a client may.
UNLIMITED = {
    "INGEST_KEY_REQUESTS_PER_MINUTE": "0",
    "INGEST_TENANT_REQUESTS_PER_MINUTE": "0",
    "INGEST_REFUSED_KEYS_PER_MINUTE": "0",
    "INGEST_KEY_CONCURRENT_UPLOADS": "1000",
    "INGEST_TENANT_CONCURRENT_UPLOADS": "1000",
}


@contextmanager
def keys_of(stack: LocalStack) -> Iterator[Connection]:
    """A transaction of the stack's database."""
    engine = create_engine(Settings(database_url=stack.database_url).sync_url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def key_for(stack: LocalStack, *tenants: str, scopes: tuple[str, ...] = BOTH, lifetime: timedelta | None = None) -> Key:
    """A new key for these tenants."""
    with keys_of(stack) as connection:
        return create(connection, "a test", tenants, scopes, lifetime).key


def client_with(stack: LocalStack, key: Key | str | None) -> httpx.Client:
    """A client that sends the key, whatever it is; None: none."""
    text = key.text if isinstance(key, Key) else key
    headers = {} if text is None else {"X-API-Key": text}
    return httpx.Client(base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=30, trust_env=False)
