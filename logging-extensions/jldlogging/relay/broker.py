"""The connection to the remote broker: made again whenever it is lost, for as long as it takes."""

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import cast

import aiormq
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError
from pamqp.commands import Basic
from yarl import URL

from jldlogging.relay import faults
from jldlogging.relay.metrics import Metrics
from jldlogging.relay.settings import BrokerSettings, Files

HEARTBEAT = 10  # seconds; a broker of which nothing was heard for three and a half of them is taken for lost
_CONNECTS_WITHIN = 30.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds between two attempts
_STEADY = 30.0  # seconds after which a connection that is lost is made again at once
_REFUSED_PAUSE = 5.0  # seconds until an event is offered again that the broker has refused
_SAID_AGAIN = 300.0  # seconds after which what is still wrong is said again
_MOST_SAID = 100  # faults that are remembered
_LOST = (AMQPError, ChannelInvalidStateError, OSError, RuntimeError, asyncio.CancelledError)

log = logging.getLogger("jldlogging.relay")
Channel = aiormq.Channel


class Broker:
    """Hands events over, and returns when the broker has confirmed them. None is given up."""

    def __init__(self, settings: BrokerSettings, files: Files, metrics: Metrics) -> None:
        self._settings, self._files, self._metrics = settings, files, metrics
        self._channel: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        self._lost = asyncio.Event()
        self._said: dict[str, float] = {}  # what is wrong, and when it was said

    async def run(self) -> None:
        """Keep a connection, until it is cancelled."""
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(_CONNECTS_WITHIN):
                    connection, channel = await self._connect()
            except Exception as error:  # whatever it is, another attempt follows, and the log names it
                self._complain(error)
            else:
                await self._use(connection, channel)
            # A broker that lets us in and refuses the first event is not asked many times a second either.
            is_steady = time.monotonic() - began > _STEADY
            pause = _FIRST_PAUSE if is_steady else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _use(self, connection: aiormq.Connection, channel: Channel) -> None:
        """Hand events over as long as the connection lasts."""
        self._lost.clear()
        self._connected(channel)
        try:
            await self._until_lost(connection, channel)
        finally:
            self._channel = asyncio.get_running_loop().create_future()
            self._metrics.broker_up.set(0)
            await _closed(connection.close)

    async def deliver(self, event: bytes) -> None:
        """Until the broker has confirmed the event, as often as it takes: it may get one twice, and never none."""
        settings = self._settings
        while True:
            channel = await asyncio.shield(self._channel)
            try:
                await channel.basic_publish(
                    event,
                    exchange=settings.exchange,
                    routing_key=settings.routing_key,
                    properties=Basic.Properties(content_type="application/json", delivery_mode=2),
                    mandatory=True,
                    wait=False,
                )
            except DeliveryError as error:
                self._complain(error)
                await asyncio.sleep(_REFUSED_PAUSE)
            except _LOST as error:
                if _is_cancelled(error):
                    raise
                if not isinstance(error, ChannelInvalidStateError):  # that follows from what another event has met
                    self._complain(error)
                self._lost.set()
                await asyncio.sleep(0.1)  # until `run` has noticed
            else:
                self._confirmed()
                return

    async def _connect(self) -> tuple[aiormq.Connection, Channel]:
        """Raises what went wrong. The exchange is asked for, so that a wrong name is told at once."""
        connection = aiormq.Connection(self._url(), context=self._tls())
        connection.vhost = self._settings.vhost  # any name: one with a slash would be another one in an address
        try:
            await connection.connect()
            channel = cast(Channel, await connection.channel(publisher_confirms=True))
            await channel.exchange_declare(self._settings.exchange, passive=True)
        except BaseException:
            await _closed(connection.close)
            raise
        return connection, channel

    def _url(self) -> URL:
        settings = self._settings
        return URL.build(
            scheme="amqps",
            user=settings.user,
            password=self._files.password,
            host=settings.host,
            port=settings.port,
            query={"heartbeat": str(HEARTBEAT), "name": "jld-relay"},
        )

    def _tls(self) -> ssl.SSLContext:
        """Made for each attempt: a renewed file counts from then on."""
        context = ssl.create_default_context(cafile=str(self._files.broker_authorities))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # many a private authority lacks extensions that RFC 5280 wants
        client = self._files.broker_client
        if client:
            context.load_cert_chain(*client)
        return context

    async def _until_lost(self, connection: aiormq.Connection, channel: Channel) -> None:
        closing = [asyncio.ensure_future(asyncio.shield(each.closing)) for each in (connection, channel)]
        noticed = asyncio.create_task(self._lost.wait())
        done, others = await asyncio.wait([*closing, noticed], return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                self._complain(error)

    def _connected(self, channel: Channel) -> None:
        self._metrics.broker_up.set(1)
        if not self._said:
            log.info("Connected to the broker %s:%d", self._settings.host, self._settings.port)
        if not self._channel.done():
            self._channel.set_result(channel)

    def _confirmed(self) -> None:
        """Not before an event is confirmed is a fault over: some are told after the connection stands."""
        if self._said:
            log.info("The broker %s:%d takes events again", self._settings.host, self._settings.port)
            self._said.clear()

    def _complain(self, error: BaseException) -> None:
        """Once for each fault, and again after a while: thousands of events may meet the same one, and one brings another."""
        said = faults.sentence(error, self._settings)
        now = time.monotonic()
        if now - self._said.get(said, -_SAID_AGAIN) >= _SAID_AGAIN:
            log.warning(
                "Events wait for the broker %s:%d: %s", self._settings.host, self._settings.port, said.rstrip(".")
            )
            self._said[said] = now
            while len(self._said) > _MOST_SAID:
                del self._said[next(iter(self._said))]


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is this task that is to end, and not a connection of which a library says so."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and bool(task and task.cancelling())


async def _closed(close: Callable[[], Awaitable[object]]) -> None:
    try:
        async with asyncio.timeout(5):
            await close()
    except Exception as error:  # it is given up anyway
        log.debug("While closing: %r", error)
