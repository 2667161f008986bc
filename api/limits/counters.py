"""Counters that all API processes share, in Redis. While Redis does not answer, each process goes on without it."""

from typing import Final

from api.impatient_redis import ImpatientRedis

_TIMEOUT_SECONDS: Final = 0.5


class Counters(ImpatientRedis):
    """The broker as a counter. Async."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url, _TIMEOUT_SECONDS)
