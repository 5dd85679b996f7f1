"""A start that waits in line, keeps the pod that it made, and when it fails says why."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from html import escape
from secrets import token_hex
from typing import Any

from aiohttp import ClientError
from jupyterhub.spawner import SpawnException
from jupyterhub.utils import url_path_join, wait_for_http_server
from kubernetes_asyncio.client import ApiException, V1Pod
from kubespawner import KubeSpawner
from tornado import web
from traitlets import Float, Integer

from jldhub.labs.obstacle import Obstacle
from jldhub.labs.start import messages
from jldhub.labs.start.adoption import START, AdoptingApi, PodRejected, api_message
from jldhub.labs.start.queue import QueuePlace, SpawnQueue
from jldhub.settings.settings import Settings
from jldhub.support.metrics import FAILED

_LOOK = 1.0  # seconds between two looks at a pod that starts
_TELL = 3.0  # seconds between two lines to everybody who waits in line, while the hub has most to do
# Later it may work: as JupyterHub answers where its own limits are reached. Never 502 to 504, for which the front door
# shows its own page about a hub that does not answer.
_STATUS = {"quota": 429, "room": 429, "line": 429}
_queues: dict[asyncio.AbstractEventLoop, SpawnQueue] = {}  # one for the hub, and for each test its own


ANSWER_SECONDS = 120  # from a running pod to a lab that answers
_QUEUE_SECONDS = 900  # in line: 300 labs at once need one or two minutes


def guarded_spawner_config(settings: Settings) -> dict[str, Any]:
    lab = settings.hub.lab
    return {
        "starts_at_once": lab.starts_at_once,
        "queue_timeout": _QUEUE_SECONDS,
        "startup_timeout": lab.start_timeout.total_seconds(),
    }


def outer_timeout(settings: Settings) -> int:
    """Seconds. JupyterHub's own time-out has no sentence for people: it comes last."""
    return _QUEUE_SECONDS + int(settings.hub.lab.start_timeout.total_seconds()) + ANSWER_SECONDS + 60


class StartFailed(SpawnException):
    """A lab that did not start. JupyterHub's pages show the HTML, its API and the log the text."""

    def __init__(self, why: Obstacle, reference: str) -> None:
        detail = f" Kubernetes says: {why.detail}" if why.detail else ""
        text = f"{why.sentence}{detail} (Reference {reference})"
        html = f"{escape(why.sentence)}</p>" + (
            f'<p class="text-body-secondary">Kubernetes says: <code>{escape(why.detail)}</code></p>'
            if why.detail
            else ""
        )
        html += f'<p class="text-body-secondary">Reference for an administrator: <code>{escape(reference)}</code>'
        super().__init__(text, reason=why.reason, message_html=html, status_code=_STATUS.get(why.reason, 500))
        self.jupyterhub_message, self.jupyterhub_html_message = text, html


class GuardedSpawner(KubeSpawner):
    """KubeSpawner's start, in a line and under observation."""

    starts_at_once = Integer(32, min=1, help="Labs that Kubernetes is asked for together").tag(config=True)
    queue_timeout = Float(_QUEUE_SECONDS, help="Seconds that a start waits in line").tag(config=True)
    startup_timeout = Float(300, help="Seconds from the end of the line to a running pod").tag(config=True)

    start_id = ""
    _place: QueuePlace | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.api: Any = AdoptingApi(self.api, self._created)

    def _created(self) -> None:
        """The API server has the pod: what takes time now is a node's work, for which nobody needs to wait."""
        if self._place:
            self._place.leave()

    async def get_pod_manifest(self) -> V1Pod:
        pod: V1Pod = await super().get_pod_manifest()
        if self.start_id:
            pod.metadata.annotations = {**(pod.metadata.annotations or {}), START: self.start_id}
        return pod

    async def start(self) -> str:
        """The lab's address. Raises StartFailed; a start that is cancelled leaves the line."""
        self.start_id = token_hex(4)
        self.log.info("Lab %s starts (reference %s)", self._log_name, self.start_id)
        try:
            return await self._start_or_explain()
        except StartFailed as failure:
            FAILED.labels(failure.reason).inc()
            self.log.error("Lab %s did not start: %s", self._log_name, failure.jupyterhub_message)
            raise
        except web.HTTPError:
            raise  # a refusal of ours, which says why itself
        except Exception as flaw:  # the outermost place that knows the reference
            self.log.exception("Lab %s did not start (reference %s)", self._log_name, self.start_id)
            why = Obstacle("flaw", "The hub made a mistake. Tell an administrator of this site.")
            raise self.failure(why) from flaw

    async def _start_or_explain(self) -> str:
        try:
            return await self._start_in_turn()
        except PodRejected as refused:
            raise self.failure(messages.pod_rejected(refused.status, refused.message)) from None
        except ApiException as refused:
            raise self.failure(messages.pod_rejected(refused.status or 0, api_message(refused))) from None
        except (ClientError, TimeoutError) as trouble:
            raise self.failure(messages.unreachable(self.api.last_error or str(trouble))) from None

    async def _start_in_turn(self) -> str:
        self._place = place = QueuePlace(self._queue)
        starting: asyncio.Future[str] | None = None
        try:
            try:
                await asyncio.wait_for(place.take(), self.queue_timeout)
            except TimeoutError:
                sentence = "Too many labs start just now, and yours waited for its turn too long. Start it again."
                raise self.failure(Obstacle("line", sentence)) from None
            starting = super().start()
            await self._watch(starting)
            url: str = starting.result()
            await self._wait_for_answer(url)
            return url
        finally:
            place.leave()
            if starting and not starting.done():
                starting.cancel()

    @property
    def _queue(self) -> SpawnQueue:
        return _queues.setdefault(asyncio.get_running_loop(), SpawnQueue(self.starts_at_once))

    async def _watch(self, starting: "asyncio.Future[str]") -> None:
        """Until the pod runs or will not: what Kubernetes repeats for ever is told at once, the rest after the time-out."""
        deadline, seen = time.monotonic() + self.startup_timeout, False
        while not starting.done():
            await asyncio.wait([starting], timeout=_LOOK)
            pod = self._own_pod()
            if starting.done():
                break
            if pod is None and seen:
                raise self.failure(messages.removed(self._own_events()))
            seen = seen or pod is not None
            why = messages.obstacle(pod)
            if why and why.final:
                raise self.failure(why)
            if time.monotonic() > deadline:
                raise self.failure(messages.timed_out(self.startup_timeout, pod, self._own_events()))

    async def _wait_for_answer(self, url: str) -> None:
        """JupyterHub waits for this too, but its page has no sentence for a lab that stays silent."""
        try:
            address = url_path_join(url, self.server.base_url, "api")
            await wait_for_http_server(address, timeout=self.http_timeout)
        except TimeoutError:
            why = messages.obstacle(self._own_pod()) or messages.not_answering(self.http_timeout, self._own_events())
            raise self.failure(why) from None

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the page shows while it waits: the place in the line, Kubernetes' events, and what they mean."""
        while self._place and (ahead := self._place.ahead) is not None:
            before = f"{ahead} of them before yours" if ahead else "yours is the next"
            yield {"progress": 0, "message": f"Many labs start just now; {before}."}
            await asyncio.sleep(_TELL)
        shown = None
        async for event in super().progress():
            yield event
            why = messages.obstacle(self._own_pod(), self._own_events())
            if why and why.sentence != shown:
                shown = why.sentence
                yield {"message": shown}

    def failure(self, why: Obstacle) -> StartFailed:
        """A refusal with the reference of this start."""
        return StartFailed(why, self.start_id)

    def _own_pod(self) -> Mapping[str, Any] | None:
        """The pod of this start; one that an earlier start left behind is none."""
        pod: Mapping[str, Any] | None = (
            self.pod_reflector.pods.get(f"{self.namespace}/{self.pod_name}") if self.pod_reflector else None
        )
        mark = ((pod or {}).get("metadata", {}).get("annotations") or {}).get(START)
        return pod if mark == self.start_id else None

    def _own_events(self) -> list[Mapping[str, Any]]:
        """Those of this start's pod, by its uid; before there is one, none."""
        pod = self._own_pod()
        if pod is None or not self.event_reflector:
            return []
        uid = pod["metadata"]["uid"]
        found = self.event_reflector.resources.values()
        return [event for event in found if event["involvedObject"].get("uid") == uid]
