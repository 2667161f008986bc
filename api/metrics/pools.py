"""How many database connections the API holds."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, QueuePool


class PoolCollector(Collector):
    """Gauges of the pools of these engines, by name."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client."""
        connections = GaugeMetricFamily(
            "ingest_database_connections", "Connections of a pool of the API.", labels=["pool", "state"]
        )
        most = GaugeMetricFamily("ingest_database_connections_most", "Connections it may have.", labels=["pool"])
        for name, engine in self._engines.items():
            pool = engine.pool
            assert isinstance(pool, QueuePool)
            connections.add_metric([name, "used"], pool.checkedout())
            connections.add_metric([name, "idle"], pool.checkedin())
            most.add_metric([name], pool.size() + max(pool._max_overflow, 0))  # noqa: SLF001  it has no other name
        yield connections
        yield most
