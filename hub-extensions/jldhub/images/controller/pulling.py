"""The prepuller's loop: whenever a node or a pod is another one, it works out what to pull next, and does it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from jldhub.images.catalogue import Catalogue
from jldhub.images.controller.api import Api, ApiUnavailable
from jldhub.images.controller.cluster import NODES, Cluster, PodRefused
from jldhub.images.controller.mirror import Mirror
from jldhub.images.controller.purging import Purger, Report, tell
from jldhub.images.controller.status import PULLS, Status
from jldhub.images.controller.store import Store
from jldhub.images.nodes import NodesError, NodesState
from jldhub.images.prepuller.node import Node, read_node
from jldhub.images.prepuller.plan import plan
from jldhub.images.prepuller.pods import LabPod, Pull, pull_pod, read_pod
from jldhub.images.prepuller.record import Record, observe
from jldhub.images.prepuller.settings import ImageSettings, PrepullerSettings, Purge
from jldhub.images.prepuller.snapshot import is_new, restored, snapshot
from jldhub.images.prepuller.wanted import WantedImage, wanted_images
from jldhub.images.prepuller.warnings import SiteWarning, warnings
from jldhub.images.purging.report import Ours

_BETWEEN = 1.0  # seconds between two looks; nodes and pods change many at a time
_IDLE = 10.0  # seconds until a look without a change: pauses and deadlines end by themselves
_WRITTEN = timedelta(seconds=30)  # the hub's kubelet brings a new file in a minute
_AGAIN = timedelta(hours=1)  # events are kept for so long, and the hub takes older states for none
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

log = logging.getLogger("jldhub.images")


@dataclass(frozen=True)
class Site:
    """What the settings and the registries say now."""

    settings: ImageSettings
    own: PrepullerSettings
    wanted: Sequence[WantedImage]
    owner: str  # the UID of the ServiceAccount that owns the pods
    ours: Ours | None = None  # None where nobody asks what is not wanted


@dataclass(frozen=True)
class Held:
    """The cluster takes no pods that pull: no more are made until then."""

    message: str
    until: datetime
    pause: timedelta


class Prepuller:
    """`hear` says what is wanted; `run` goes on without an end."""

    def __init__(
        self,
        api: Api,
        store: Store,
        status: Status,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        between: float = _BETWEEN,
    ) -> None:
        self._api, self._store, self._status, self._clock, self._between = api, store, status, clock, between
        self._changed = asyncio.Event()
        self._site: Site | None = None
        self._record = Record()
        self._held: Held | None = None
        self._told: dict[tuple[str, str], datetime] = {}
        self._written: NodesState | None = None
        self._report = Report()
        self._purger: Purger | None = None
        self._looked = datetime.min.replace(tzinfo=UTC)  # when the state was worked out last

    async def hear(self, settings: ImageSettings, catalogue: Catalogue) -> None:
        """Take over what is wanted from now on; nothing, where nothing is to be pulled. Raises SettingsError and ApiUnavailable."""
        own = PrepullerSettings.load()
        if not own.nodes_at_once:
            return  # there is no right to anything of it
        owner = await Cluster(self._api, settings.names.namespace).owner(own.names.service_account)
        wanted = wanted_images(settings.hub.lab, settings.names, catalogue)
        asked = own.purge is not Purge.NEVER
        ours = Ours.of(settings.hub.lab, settings.names, catalogue, wanted) if asked else None
        self._site = Site(settings, own, wanted, owner, ours)
        self._changed.set()

    async def run(self) -> None:
        site = await self._first_site()
        await self._restore(site)
        names, own = site.settings.names, site.own.names
        cluster = Cluster(self._api, names.namespace)
        selector = _selector(own.labels, names.lab_labels)
        nodes = Mirror(self._api, "the nodes", NODES, read_node, self._changed)
        pods: Mirror[Pull | LabPod] = Mirror(
            self._api,
            "the pods of labs and pulls",
            cluster.pods(everywhere=site.own.user_namespaces),
            lambda raw: read_pod(raw, own, names.lab_labels),
            self._changed,
            {"labelSelector": selector},
        )
        endless_ones = [nodes.run(), pods.run(), self._looks(cluster, nodes, pods)]
        if purge := own.purge:  # the chart starts the controller again where that changes
            self._purger = Purger(self._api, Cluster(self._api, purge.namespace), purge, self._changed)
            endless_ones.append(self._purger.run())
        async with asyncio.TaskGroup() as group:
            for endless in endless_ones:
                group.create_task(endless)

    async def _first_site(self) -> Site:
        while self._site is None:
            await self._changed.wait()
            self._changed.clear()
        return self._site

    async def _restore(self, site: Site) -> None:
        """What an earlier controller remembered: what failed is not tried again at once."""
        names = site.settings.names
        while True:
            try:
                self._written = await self._store.read_nodes(names.namespace, names.catalogue or "")
                self._record = restored(self._written)
                return
            except NodesError as mistake:
                log.error("The state of nodes in %s is written anew: %s", names.catalogue, mistake)
                return
            except ApiUnavailable as failure:
                log.error("%s", failure)
                await asyncio.sleep(_IDLE)

    async def _looks(self, cluster: Cluster, nodes: Mirror[Node], pods: Mirror[Pull | LabPod]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _IDLE)
            self._changed.clear()
            try:
                if nodes.is_listed and pods.is_listed:
                    await self._look(cluster, nodes.items, pods.items)
            except ApiUnavailable as failure:
                log.error("%s", failure)
            except Exception:
                log.exception("A look at nodes and pods failed; there is another one later")
            self._status.went_on(PULLS)
            await asyncio.sleep(self._between)

    async def _look(self, cluster: Cluster, all_nodes: Mapping[str, Node], pods: dict[str, Pull | LabPod]) -> None:
        site, now = self._site, self._clock()
        assert site is not None  # noqa: S101 - `run` waits for it
        nodes = list(all_nodes.values())
        pulls = [pod.as_of(now) for pod in pods.values() if isinstance(pod, Pull)]
        busy = {pod.node for pod in pods.values() if isinstance(pod, LabPod) and pod.is_starting}
        before, self._record = self._record, observe(self._record, nodes, site.wanted, pulls, now)
        self._status.pulls_ended(pulls, before, self._record, now)
        at_once = 0 if self._held and now < self._held.until else site.own.nodes_at_once
        todo = plan(nodes, site.wanted, self._record, pulls, busy, now, at_once)
        prefix = site.settings.names.namespace
        for name in todo.delete:
            await cluster.delete(name)
            if isinstance(pod := pods.get(f"{prefix}/{name}"), Pull):  # until the watch tells that it is gone
                pods[f"{prefix}/{name}"] = replace(pod, is_going=True)
        await self._create(cluster, site, todo.create, pods, now)
        if now - self._looked < _WRITTEN:  # not oftener than somebody can see it
            return
        self._looked = now
        labs = [pod for pod in pods.values() if isinstance(pod, LabPod)]
        await self._tell(cluster, site, nodes, pulls, labs, now)
        if self._purger and site.ours:
            occupied = busy | {pull.node for pull in pulls if not pull.is_over} | {node.name for _, node in todo.create}
            await self._purger.look(nodes, self._report, site.ours, site.settings, site.own, occupied, now)

    async def _create(
        self,
        cluster: Cluster,
        site: Site,
        create: Sequence[tuple[WantedImage, Node]],
        pods: dict[str, Pull | LabPod],
        now: datetime,
    ) -> None:
        names, own = site.settings.names, site.own.names
        for image, node in create:
            try:
                made = await cluster.create(pull_pod(image, node, names, own, site.owner, site.settings.hub.lab.pod))
            except PodRefused as refusal:
                pause = min(self._held.pause * 2, _LONGEST_PAUSE) if self._held else _FIRST_PAUSE
                self._held = Held(str(refusal), now + pause, pause)
                return
            self._held = None
            if made and (pod := read_pod(made, own, names.lab_labels)):  # before the watch tells about it
                pods.setdefault(f"{names.namespace}/{made['metadata']['name']}", pod)

    async def _tell(
        self,
        cluster: Cluster,
        site: Site,
        nodes: Sequence[Node],
        pulls: Sequence[Pull],
        labs: Sequence[LabPod],
        now: datetime,
    ) -> None:
        """The log, events and the hub's file."""
        report = Report.of(nodes, site.ours, labs) if site.ours else Report()
        tell(report, self._report)
        self._report = report
        found = warnings(self._record, site.wanted, self._held.message if self._held else "", now)
        found += self._purger.warnings if self._purger else []
        state = snapshot(nodes, site.wanted, self._record, pulls, found, now, report.sums, report.bytes)
        self._status.nodes_looked_at(state)
        names = site.settings.names
        if self._is_due(state, now):
            await self._store.write_nodes(names.namespace, names.catalogue or "", state)
            self._written = state
        await self._warn(cluster, found, site.own.names.deployment, now)

    def _is_due(self, state: NodesState, now: datetime) -> bool:
        written = self._written
        if written is None or written.written is None or is_new(state, written):
            return True
        return now - written.written >= _AGAIN

    async def _warn(self, cluster: Cluster, found: Sequence[SiteWarning], deployment: str, now: datetime) -> None:
        keys = {(each.reason, each.about) for each in found}
        self._told = {key: at for key, at in self._told.items() if key in keys}
        for each in found:
            told = self._told.get((each.reason, each.about))
            if told is None:
                log.warning("%s", each.message)
            if told is None or now - told >= _AGAIN:
                self._told[each.reason, each.about] = now
                await cluster.tell(each, deployment)


def _selector(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    """The pods with the labels of either."""
    words = []
    for label in sorted(first.keys() & second.keys()):
        values = sorted({first[label], second[label]})
        words.append(f"{label} in ({','.join(values)})" if len(values) > 1 else f"{label}={values[0]}")
    return ",".join(words)
