"""What the controller tells of itself: /health for the kubelet, /metrics for Prometheus."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jldhub.images.catalogue import Catalogue
from jldhub.images.nodes import NodesState
from jldhub.images.prepuller.pods import Outcome, Pull
from jldhub.images.prepuller.record import Record

PORT = 8080
ROUNDS, PULLS = "rounds", "pulls"  # the two loops
_LONGEST = 900.0  # seconds without a step: three intervals between rounds, and more than one image may take
_BUCKETS = (1, 3, 10, 30, 60, 120, 300, 600, 1200, 1800)  # seconds of a pull

log = logging.getLogger("jldhub.images")


class Status:
    """Whether the rounds go on, and what the last one found."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moved = {ROUNDS: clock()}  # the other loop begins when something is to be pulled
        self.registry = CollectorRegistry()
        self._ages = _Ages()
        self._checks = Counter(
            "jld_registry_checks", "Looks at an image's registry, by result", ["result"], registry=self.registry
        )
        self._bytes = Gauge(
            "jld_catalogue_bytes", "Size of the catalogue, of which a ConfigMap holds 1 MiB", registry=self.registry
        )
        self.registry.register(self._ages)
        self._pulls = Counter("jld_pulls", "Pulls that are over, by result", ["result"], registry=self.registry)
        self._seconds = Histogram(
            "jld_pull_seconds", "How long good pulls took", buckets=_BUCKETS, registry=self.registry
        )
        self._vanished = Counter(
            "jld_images_vanished", "Images that were on a node and are not any more", registry=self.registry
        )
        self._wanted = Gauge("jld_images_wanted", "Images that nodes should have", registry=self.registry)
        self._eligible = Gauge("jld_nodes_eligible", "Nodes on which labs start", registry=self.registry)
        self._unwanted = Gauge(
            "jld_images_unwanted_bytes",
            "What images take that nobody wants, where that is asked",
            registry=self.registry,
        )
        self._there = Gauge(
            "jld_image_nodes",
            "Nodes that have a wanted image, and may start labs with it",
            ["image"],
            registry=self.registry,
        )

    @property
    def is_alive(self) -> bool:
        """Whether both loops went on lately, with success or without: starting again mends neither a registry nor the API."""
        return self._clock() - min(self._moved.values()) <= _LONGEST

    def looked(self, catalogue: Catalogue, size: int) -> None:
        for state in catalogue.images.values():
            self._checks.labels("failed" if state.trouble else "answered").inc()
        self._bytes.set(size)
        self._ages.catalogue = catalogue

    def went_on(self, loop: str = ROUNDS) -> None:
        self._moved[loop] = self._clock()

    def pulls_ended(self, pulls: Iterable[Pull], before: Record, record: Record, now: datetime) -> None:
        """Count and log the pulls that were under way before, and the images that went."""
        for pull in pulls:
            key = pull.node, pull.reference
            attempt, known = record.attempts.get(key), before.attempts.get(key)
            if attempt is None or attempt.counted != pull.uid or (known and known.counted == pull.uid):
                continue
            if pull.outcome is Outcome.PULLED:
                seconds = max(0.0, (now - pull.created).total_seconds())
                self._pulls.labels("pulled").inc()
                self._seconds.observe(seconds)
                log.info("%s: %s is there after %.0f s", pull.node, pull.reference, seconds)
            else:
                self._pulls.labels("refused" if attempt.refused else "failed").inc()
                log.warning("%s: %s was not pulled: %s", pull.node, pull.reference, pull.message)
        for (node, reference), attempt in record.attempts.items():
            known = before.attempts.get((node, reference))
            if attempt.vanished and (known is None or attempt.vanished != known.vanished):
                self._vanished.inc()
                log.warning("%s: %s was there and is not any more", node, reference)

    def nodes_looked_at(self, state: NodesState) -> None:
        self._wanted.set(len(state.images))
        self._eligible.set(sum(not row.why_not for row in state.nodes) + state.left_out)
        self._unwanted.set(sum(image.bytes for image in state.unwanted))
        self._there.clear()
        for image in state.images:
            self._there.labels(image.title).set(image.there)


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
