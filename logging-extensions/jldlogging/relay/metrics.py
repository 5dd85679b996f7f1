"""What the relay tells of itself: /health for the kubelet, /metrics for Prometheus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

PORT = 9114


class Metrics:
    """Counts since the relay's start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        prefix = "jld_logging_relay_"
        self.received = Counter(f"{prefix}events_received", "Events that filebeat sent", registry=self.registry)
        self.confirmed = Counter(
            f"{prefix}events_confirmed", "Events that the broker confirmed", registry=self.registry
        )
        self.waiting = Gauge(
            f"{prefix}events_waiting", "Events that the broker has not confirmed yet", registry=self.registry
        )
        self.broker_up = Gauge(
            f"{prefix}broker_up", "Whether there is a connection to the broker", registry=self.registry
        )
        self.refused = Counter(
            f"{prefix}connections_refused", "Connections that were sent away", registry=self.registry
        )
        self.connections = Gauge(f"{prefix}connections", "Connections of filebeats", registry=self.registry)


@asynccontextmanager
async def serving(metrics: Metrics, port: int = PORT) -> AsyncIterator[None]:
    """Answers at all addresses of the pod, until the block ends."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")  # without a broker too: filebeat could only wait somewhere else

    async def numbers(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/health", health), web.get("/metrics", numbers)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
