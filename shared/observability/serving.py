"""The metrics of a service, in its main process: begun before there are children, served once it is ready."""

import os
from typing import Self

from prometheus_client.registry import Collector

from shared.observability.metrics import record_with
from shared.observability.pipe import MetricPipe
from shared.observability.registry import MetricRegistry


class ServedMetrics:
    """The registry, the pipe that leads to it, and the port."""

    def __init__(self, host: str, ports: range) -> None:
        self._host = host
        self._ports = ports
        self._pid = os.getpid()
        self.registry = MetricRegistry()
        self._pipe = MetricPipe(self.registry.record)

    @classmethod
    def begin(cls, host: str, port: int, processes: int = 1) -> Self | None:
        """Record from now on; None if the port is 0. Of several processes each takes one of that many ports."""
        if not port:
            return None
        begun = cls(host, range(port, port + processes))
        record_with(begun.registry.record)
        begun._pipe.start()
        return begun

    @property
    def writing_end(self) -> int:
        """The file descriptor for the `PipeWriter` of another process of the service."""
        return self._pipe.writing_end

    def serve(self, *collectors: Collector) -> None:
        """Open the port; `collectors` are asked, too, when Prometheus reads."""
        for collector in collectors:
            self.registry.collect_from(collector)
        self.registry.serve(self._host, self._ports)

    def record_in_child(self) -> None:
        """Let this process, a fork of the main one, send what it measures; in the main process nothing happens."""
        if os.getpid() == self._pid:
            return
        self.registry.close()
        record_with(self._pipe.writer().record)

    def stop(self) -> None:
        """Close the port."""
        record_with(None)
        self.registry.stop()
