"""Flower, with its metrics behind the same password as its pages.

    python -m worker.flower --address=127.0.0.1 --port=5555

Flower itself serves `/metrics` without a password and has no option to change that. The options are Flower's own.
"""

import sys
from typing import Any, Final

from celery.bin.celery import celery
from flower.urls import handlers
from flower.views.monitor import Metrics
from tornado.web import authenticated

_OPEN: Final = ("/metrics", Metrics)


class ClosedMetrics(Metrics):  # type: ignore[misc]  # Flower ships no types
    """Flower's metrics, for users who may see its pages."""

    @authenticated
    async def get(self) -> None:
        """Write the metrics."""
        await super().get()


def close_metrics(routes: list[Any]) -> None:
    """Replace the handler of `/metrics`; raises `RuntimeError` unless there is exactly one, as in Flower 2."""
    if routes.count(_OPEN) != 1:
        raise RuntimeError("this version of Flower serves /metrics in another way, perhaps without a password")
    routes[routes.index(_OPEN)] = (_OPEN[0], ClosedMetrics)


def main() -> None:
    """Run Flower's command with the platform's application; exits the process."""
    close_metrics(handlers)
    celery.main(["--app=worker.app:app", "flower", *sys.argv[1:]])


if __name__ == "__main__":
    main()
