"""The metrics of a service, and the port on which Prometheus reads them.

The main process of a service keeps them (the API, the parent of a worker); its other processes send what they measure
through a pipe. Why not prometheus_client's own way for several processes: decision 63.
"""

import re
import threading
from typing import Any, Final
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

from shared.observability.metrics import METRICS, Metric

log = structlog.get_logger()

# No label has as many values; a mistake in our code must not fill the memory of Prometheus.
_MOST_LABEL_SETS: Final = 2_000
# Templates of routes, methods, codes and statuses, and nothing else.
_LABEL: Final = re.compile(r"[\w/{}.:-]{1,120}", re.ASCII)
_OTHER: Final = "other"


class MetricRegistry:
    """The counters and histograms of `METRICS`; thread-safe."""

    def __init__(self) -> None:
        self.prometheus = CollectorRegistry()
        ProcessCollector(registry=self.prometheus)
        self._kept: dict[str, Counter | Histogram] = {
            metric.name: _made(metric, self.prometheus) for metric in METRICS.values()
        }
        self._labels: set[tuple[str, tuple[str, ...]]] = set()
        for metric in METRICS.values():
            for labels in metric.known:
                self._kept[metric.name].labels(*labels)
        self._server: WSGIServer | None = None
        self._lock = threading.Lock()

    def record(self, metric: Metric, amount: float, labels: tuple[str, ...]) -> None:
        """A recorder, see `metrics.record_with`."""
        kept: Any = self._kept[metric.name]
        child = kept.labels(*self._bounded(metric, labels)) if labels else kept
        if metric.buckets:
            child.observe(amount)
        else:
            child.inc(amount)

    def collect_from(self, collector: Collector) -> None:
        """Ask this collector, too, when Prometheus reads."""
        self.prometheus.register(collector)

    def serve(self, host: str, ports: range) -> None:
        """Answer on the first free one, in a thread. If there is none, the service works on, and the log says so."""
        for port in ports:
            try:
                self._server, _ = start_http_server(port, host, self.prometheus)
            except OSError as error:
                last = type(error).__name__
            else:
                return
        log.error("metrics_not_served", ports=list(ports), error=last)

    def close(self) -> None:
        """Close the port: at the end, and in a child, which would keep it after its parent."""
        if self._server is not None:
            self._server.socket.close()

    def stop(self) -> None:
        """End the thread and close the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _bounded(self, metric: Metric, labels: tuple[str, ...]) -> tuple[str, ...]:
        known = metric.name, labels
        with self._lock:
            if known in self._labels:
                return labels
            if len(self._labels) < _MOST_LABEL_SETS and all(_LABEL.fullmatch(label) for label in labels):
                self._labels.add(known)
                return labels
        return (_OTHER,) * len(labels)


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Histogram:
    if metric.buckets:
        return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)
    return Counter(metric.name, metric.help, metric.labels, registry=registry)
