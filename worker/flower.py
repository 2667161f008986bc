"""Flower, with its metrics behind the password of its pages: `python -m worker.flower --address=127.0.0.1 --port=5555`.

Flower by itself answers `/metrics` to everybody and has no switch for it. The options are Flower's own.
"""

import sys
from typing import Any, Final

from celery.bin.celery import celery
from flower.urls import handlers
from flower.views.monitor import Metrics
from tornado.web import authenticated

_OPEN: Final = ("/metrics", Metrics)


class ClosedMetrics(Metrics):  # type: ignore[misc]  # Flower ships no types
    """Flower's metrics, for those who may see its pages."""

    @authenticated
    async def get(self) -> None:
        """Write them."""
        await super().get()


def close_metrics(routes: list[Any]) -> None:
    """Exchange the handler of `/metrics`; raises `RuntimeError` unless the routes have it once, as Flower 2 does."""
    if routes.count(_OPEN) != 1:
        raise RuntimeError("this version of Flower serves /metrics in another way, perhaps to everybody")
    routes[routes.index(_OPEN)] = (_OPEN[0], ClosedMetrics)


def main() -> None:
    """Flower's command, on the platform's application; it exits by itself."""
    close_metrics(handlers)
    celery.main(["--app=worker.app:app", "flower", *sys.argv[1:]])


if __name__ == "__main__":
    main()
