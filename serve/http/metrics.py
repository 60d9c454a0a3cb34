"""Counters for Prometheus."""

from typing import Any

from ..errors import MissingExtraError

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class Metrics:
    """Requests, their durations and the queue length, summed over all worker processes.

    prometheus_client adds up processes through files in PROMETHEUS_MULTIPROC_DIR, which ``dropgan serve``
    sets before it starts them.
    """

    def __init__(self) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise MissingExtraError("the service needs pip install 'dropgan[server]'") from error
        self._prometheus = prometheus
        self._registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "dropgan_requests", "Requests answered", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = prometheus.Histogram(
            "dropgan_request_seconds",
            "Time from request to the end of the answer",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one response."""
        key = (route, method, status)
        found = self._children.get(key)
        if found is None:
            method = method if method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
            found = (self._requests.labels(route, method, str(status)), self._seconds.labels(route))
            if len(self._children) < 1000:
                self._children[key] = found
        found[0].inc()
        found[1].observe(seconds)

    def waiting(self, model: str, count: Any) -> None:
        """Report how many requests wait for a model.

        Args:
            model: Name of the model.
            count: Called each time the number is read.
        """
        if not hasattr(self, "_waiting"):
            self._waiting = self._prometheus.Gauge(
                "dropgan_waiting_samples",
                "Samples that wait to be made, in this process",
                ["model"],
                registry=self._registry,
            )
        import os

        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # a function has no file to be added up from
            self._waiting.labels(model).set_function(count)

    def text(self) -> bytes:
        """Return the page that Prometheus reads."""
        import os

        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            from prometheus_client import multiprocess

            registry = self._prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        page: bytes = self._prometheus.generate_latest(registry)
        return page
