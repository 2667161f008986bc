"""The broker, and the workers that listen to it."""

from collections.abc import Iterator
from typing import Final

from celery import Celery
from redis import Redis

from cli.doctor.finding import Finding, ok, problem, warning
from shared.messaging import LOAD_QUEUE

OLDEST_REDIS: Final = (6, 2)
_ANSWER_SECONDS: Final = 3
_WORKER_SECONDS: Final = 2.0
_MANY_MESSAGES: Final = 1000


def look(url: str) -> Iterator[Finding]:
    """Its version, its queue, and who answers; raises errors of redis and kombu."""
    with Redis.from_url(url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS) as broker:
        version = str(broker.info("server")["redis_version"])
        messages = int(broker.llen(LOAD_QUEUE))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        yield problem("broker", f"Redis {version} is too old", f"Use Redis {oldest} or newer, or Valkey.")
    else:
        yield ok("broker", f"speaks the protocol of Redis {version}")
    if messages > _MANY_MESSAGES:
        advice = "No worker takes them. They may be deleted: PostgreSQL knows what is to be done."
        yield warning("queue", f"{messages} notifications wait", advice)
    else:
        yield ok("queue", f"{messages} notifications wait")
    yield _workers(url)


def _workers(url: str) -> Finding:
    with Celery(broker=url, set_as_current=False) as asker:
        answers = asker.control.ping(timeout=_WORKER_SECONDS) or []
    names = sorted(name for answer in answers for name in answer)
    if names:
        return ok("workers", f"{len(names)} answer: {', '.join(names)}")
    advice = "Start one, unless every upload is sent with use_celery=false."
    return warning("workers", "no Celery worker answers", advice)
