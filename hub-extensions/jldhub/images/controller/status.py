"""What the controller tells of itself: /health for the kubelet, /metrics for Prometheus."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jldhub.images.catalogue import Catalogue

PORT = 8080
_LONGEST = 900.0  # seconds without a step: three intervals between rounds, and more than one image may take


class Status:
    """Whether the rounds go on, and what the last one found."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moved = clock()
        self.registry = CollectorRegistry()
        self._ages = _Ages()
        self._checks = Counter(
            "jld_registry_checks", "Looks at an image's registry, by result", ["result"], registry=self.registry
        )
        self._bytes = Gauge(
            "jld_catalogue_bytes", "Size of the catalogue, of which a ConfigMap holds 1 MiB", registry=self.registry
        )
        self.registry.register(self._ages)

    @property
    def is_alive(self) -> bool:
        """Whether a round went on lately, with success or without: starting again mends neither a registry nor the API."""
        return self._clock() - self._moved <= _LONGEST

    def looked(self, catalogue: Catalogue, size: int) -> None:
        for state in catalogue.images.values():
            self._checks.labels("failed" if state.trouble else "answered").inc()
        self._bytes.set(size)
        self._ages.catalogue = catalogue

    def went_on(self) -> None:
        self._moved = self._clock()


class _Ages(Collector):
    """Worked out when Prometheus asks: a registry that does not answer lets them grow between rounds too."""

    catalogue = Catalogue()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ages = GaugeMetricFamily("jld_registry_age_seconds", "How old a registry's last answer is", labels=["image"])
        for name, state in self.catalogue.images.items():
            if state.checked:
                ages.add_metric([name], (datetime.now(UTC) - state.checked).total_seconds())
        yield ages


@asynccontextmanager
async def serving(status: Status, port: int = PORT) -> AsyncIterator[None]:
    """Answers at all addresses of the pod."""

    async def health(_: web.Request) -> web.Response:
        if status.is_alive:
            return web.Response(text="ok\n")
        return web.Response(text="no round goes on any more\n", status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(status.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/health", health), web.get("/metrics", metrics)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
