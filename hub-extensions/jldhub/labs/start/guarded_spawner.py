"""A spawner whose starts wait in the spawn queue, and whose failures have a message for people."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError
from jupyterhub.utils import url_path_join, wait_for_http_server
from kubernetes_asyncio.client import ApiException, V1Pod
from kubespawner import KubeSpawner
from tornado import web
from traitlets import Float, Integer

from jldhub.images.nodes import ImageOnNodes
from jldhub.labs.obstacle import Obstacle
from jldhub.labs.start import messages
from jldhub.labs.start.adoption import START, AdoptingApi, PodRejected, api_message
from jldhub.labs.start.answering import accepts
from jldhub.labs.start.events import when
from jldhub.labs.start.failure import StartFailed
from jldhub.labs.start.pulling import pull_told
from jldhub.labs.start.queue import QueuePlace, SpawnQueue
from jldhub.labs.start.watching import is_outage, keep_watching, may_load
from jldhub.settings.settings import Settings
from jldhub.support.metrics import FAILED

_POLL_SECONDS = 1.0  # between two polls of a pod that starts
_LOOK_SECONDS = 0.25  # between two attempts to reach a lab whose pod runs
_PROGRESS_SECONDS = 3.0  # between two progress messages to everybody in the queue, while the hub is busiest
_EXPLAIN_SECONDS = 5.0  # between two questions about what pod and events do not tell
_queues: dict[asyncio.AbstractEventLoop, SpawnQueue] = {}  # the hub has one event loop; each test has its own

# The obstacle of a step that takes longer than so many seconds, from pod and events.
_Late = Callable[[float, Mapping[str, Any] | None, Sequence[Mapping[str, Any]]], Obstacle]
ANSWER_SECONDS = 120  # from a running pod until the lab responds
_QUEUE_SECONDS = 900  # in the queue: 300 concurrent spawns need one or two minutes


def guarded_spawner_config(settings: Settings) -> dict[str, Any]:
    """The traits of GuardedSpawner."""
    lab = settings.hub.lab
    return {
        "starts_at_once": lab.starts_at_once,
        "queue_timeout": _QUEUE_SECONDS,
        "startup_timeout": lab.start_timeout.total_seconds(),
    }


def outer_timeout(settings: Settings) -> int:
    """JupyterHub's `start_timeout` in seconds.

    It has no message for people, so it is longer than all time-outs here.
    """
    return _QUEUE_SECONDS + int(settings.hub.lab.start_timeout.total_seconds()) + ANSWER_SECONDS + 60


class GuardedSpawner(KubeSpawner):
    """KubeSpawner with a spawn queue, and with a watch on the pod that starts."""

    starts_at_once = Integer(32, min=1, help="Pods that are created concurrently").tag(config=True)
    queue_timeout = Float(_QUEUE_SECONDS, help="Seconds that a start waits in the spawn queue").tag(config=True)
    startup_timeout = Float(300, help="Seconds from the end of the queue to a running pod").tag(config=True)

    start_id = ""
    _pod_uid = ""  # of this start's pod, when the API server has told it
    _place: QueuePlace | None = None
    _routing: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.api: Any = AdoptingApi(self.api, self._created)

    async def explained(self, why: Obstacle | None) -> Obstacle | None:
        """`why`, which pod and events tell, or what somebody else tells better. For subclasses."""
        return why

    async def pod_created(self, pod: V1Pod) -> None:
        """What is to be made when the API server has the pod; again when an attempt is repeated. For subclasses."""

    async def _created(self, pod: V1Pod) -> None:
        self._pod_uid = pod.metadata.uid
        await self.pod_created(pod)
        # Free the slot in the queue: it limits load on the API server, which now has all of the lab.
        if self._place:
            self._place.leave()

    async def get_pod_manifest(self) -> V1Pod:
        pod: V1Pod = await super().get_pod_manifest()
        if self.start_id:
            pod.metadata.annotations = {**(pod.metadata.annotations or {}), START: self.start_id}
        return pod

    async def poll(self) -> int | None:
        """None while the lab's pod is there, as the watch of the cluster says.

        A hub that starts while the API server does not answer waits with its check of the labs that it had: JupyterHub would
        take each for stopped.
        """
        keep_watching(self.reflectors)
        while True:
            try:
                if not (self.pending == "check" and may_load(self.pod_reflector)):
                    status: int | None = await super().poll()
                    return status
            except (ClientError, ApiException, TimeoutError) as error:
                if not (self.pending == "check" and is_outage(error)):
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    async def get_url(self) -> str:
        """The lab's URL, when JupyterHub asks after a restart. It waits for a pod that was starting then.

        For as long as a start may take: JupyterHub stops a lab that does not answer two minutes after this.
        """
        deadline = time.monotonic() + self.startup_timeout
        while (pod := self._any_pod()) and not self.is_pod_running(pod) and time.monotonic() < deadline:
            why = messages.obstacle(pod)
            if why and why.final:
                break
            await asyncio.sleep(_POLL_SECONDS)
        await self.poll()  # takes over the pod's address
        return str(self.server.url)

    def start_polling(self) -> None:
        """JupyterHub calls this when a lab runs: after its start, and when a hub that was restarted has checked it.

        After a check the route may be missing: JupyterHub adds it when all labs are checked, minutes later if one still starts.
        """
        super().start_polling()
        if self.pending == "check":
            self._routing = asyncio.create_task(self._add_route())

    async def _add_route(self) -> None:
        if self.ready:  # it may be stopped meanwhile
            await self.user.settings["proxy"].add_user(self.user, self.name)

    async def start(self) -> str:
        """The lab's URL. Raises StartFailed, or the Refusal of a hook. A cancelled start leaves the queue."""
        keep_watching(self.reflectors)
        self.start_id, self._pod_uid = token_hex(4), ""
        self.log.info("Lab %s starts (reference %s)", self._log_name, self.start_id)
        try:
            return await self._start_or_explain()
        except StartFailed as failure:
            FAILED.labels(failure.reason).inc()
            self.log.error("Lab %s did not start: %s", self._log_name, failure.jupyterhub_message)
            raise
        except web.HTTPError:
            raise  # a Refusal, which has its own message
        except Exception as bug:  # the outermost place that has the reference
            self.log.exception("Lab %s did not start (reference %s)", self._log_name, self.start_id)
            why = Obstacle("flaw", "The hub made a mistake. Tell an administrator of this site.")
            raise self.failure(why) from bug

    async def _start_or_explain(self) -> str:
        try:
            return await self._start_in_turn()
        except PodRejected as refused:
            raise self.failure(messages.pod_rejected(refused.status, refused.message)) from None
        except ApiException as refused:
            raise self.failure(messages.pod_rejected(refused.status or 0, api_message(refused))) from None
        except (ClientError, TimeoutError) as error:
            raise self.failure(messages.unreachable(self.api.last_error or str(error))) from None

    async def _start_in_turn(self) -> str:
        self._place = place = QueuePlace(self._queue)
        try:
            try:
                await asyncio.wait_for(place.take(), self.queue_timeout)
            except TimeoutError:
                sentence = "Too many labs start just now, and yours waited for its turn too long. Start it again."
                raise self.failure(Obstacle("line", sentence)) from None
            url: str = await self._watch(super().start(), self.startup_timeout, messages.timed_out)
            await self._watch(self._answer(url), self.http_timeout, messages.not_answering)
            self.api.keep()
            return url
        finally:
            place.leave()
            self.api.abandon()

    @property
    def _queue(self) -> SpawnQueue:
        return _queues.setdefault(asyncio.get_running_loop(), SpawnQueue(self.starts_at_once))

    async def _watch(self, work: Awaitable[Any], seconds: float, late: _Late) -> Any:
        """The result of a step of the start.

        Raises StartFailed for a final obstacle at once, and for others after the time-out.
        """
        step, deadline = asyncio.ensure_future(work), time.monotonic() + seconds
        seen = self._own_pod() is not None
        try:
            while not step.done():
                await asyncio.wait([step], timeout=_POLL_SECONDS)
                pod = self._own_pod()
                if step.done():
                    break
                if pod is None and seen:
                    raise self.failure(messages.removed(self.events))
                seen = seen or pod is not None
                why = messages.obstacle(pod)
                if why and why.final:
                    raise self.failure(why)
                if time.monotonic() > deadline:
                    why = late(seconds, pod, self.events)
                    raise self.failure(await self.explained(why) or why)
            return step.result()
        finally:
            step.cancel()  # unless it is done

    async def _answer(self, url: str) -> None:
        """Return when the lab responds: JupyterHub waits too, but has no message for a lab that does not."""
        address = urlsplit(url)
        while not await accepts(str(address.hostname), int(address.port or 80)):
            await asyncio.sleep(_LOOK_SECONDS)
        # Its own time-out is never reached: `_watch` has the message.
        await wait_for_http_server(url_path_join(url, self.server.base_url, "api"), timeout=2 * self.http_timeout)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Progress events for the waiting page: the position in the queue, then Kubernetes' events and obstacles."""
        while self._place and (ahead := self._place.ahead) is not None:
            before = f"{ahead} of them before yours" if ahead else "yours is the next"
            yield {"progress": 0, "message": f"Many labs start just now; {before}."}
            await asyncio.sleep(_PROGRESS_SECONDS)
        shown, better, asked = None, None, 0.0
        async for event in self._events_until_the_end():
            if event:
                yield event
                if pull := pull_told(event.get("raw_event") or {}, self.on_nodes):
                    yield {"message": pull}
            pod = self._own_pod()
            why = messages.obstacle(pod, self.events)
            if pod is None or pod["spec"].get("nodeName"):
                better = None
            elif time.monotonic() - asked > _EXPLAIN_SECONDS:
                better, asked = await self.explained(why), time.monotonic()
            why = better or why
            if why and why.sentence != shown:
                shown = why.sentence
                yield {"message": shown}

    async def _events_until_the_end(self) -> AsyncIterator[dict[str, Any]]:
        """KubeSpawner's progress events, which end when the pod runs; then nothing, again and again.

        JupyterHub stops to ask when the start is over.
        """
        async for event in super().progress():
            yield event
        while True:
            yield {}
            await asyncio.sleep(_POLL_SECONDS)

    def on_nodes(self, reference: str) -> ImageOnNodes | None:
        """What is known of an image. Nothing, unless a subclass knows."""
        return None

    def failure(self, why: Obstacle) -> StartFailed:
        """The exception for an obstacle, with the reference of this start."""
        return StartFailed(why, self.start_id)

    def _own_pod(self) -> Mapping[str, Any] | None:
        """The pod of this start, or None. A pod of an earlier start does not count."""
        pod = self._any_pod()
        start_id = ((pod or {}).get("metadata", {}).get("annotations") or {}).get(START)
        return pod if start_id == self.start_id else None

    def _any_pod(self) -> Mapping[str, Any] | None:
        """The pod with this lab's name, or None."""
        name = f"{self.namespace}/{self.pod_name}"
        pod: Mapping[str, Any] | None = self.pod_reflector.pods.get(name) if self.pod_reflector else None
        return pod

    @property
    def events(self) -> list[Mapping[str, Any]]:
        """The events of this start's pod in the order of time, by its UID; empty before it exists.

        KubeSpawner's sorts the events of all labs, each second for each page that waits.
        """
        if not (self._pod_uid and self.event_reflector):
            return []
        every = self.event_reflector.resources.values()
        return sorted((event for event in every if event["involvedObject"].get("uid") == self._pod_uid), key=when)

    def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
        """KubeSpawner's, which computes all that a template may name for each text of the pod, also where it is none."""
        if "{" not in template and "}" not in template:
            return template
        return str(super()._expand_user_properties(template, slug_scheme))
