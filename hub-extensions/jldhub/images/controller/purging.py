"""What nobody wants is told, and pods that remove it are made: once in a while at the prepuller's looks."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jldhub.images.controller.api import Api
from jldhub.images.controller.cluster import Cluster, PodRefused
from jldhub.images.controller.mirror import Mirror
from jldhub.images.nodes import UnwantedImage
from jldhub.images.prepuller.node import Node, NodeImage
from jldhub.images.prepuller.pods import LabPod
from jldhub.images.prepuller.settings import ImageSettings, PrepullerSettings, PurgeNames
from jldhub.images.prepuller.warnings import SiteWarning
from jldhub.images.purging.plan import plan_purge
from jldhub.images.purging.pod import OrderTooLarge, PurgePod, purge_pod, read_purge_pod
from jldhub.images.purging.report import Ours, sentence, summed, unwanted
from jldhub.images.purging.runtime import UnknownRuntime, socket_path

_PAUSE = timedelta(hours=1)  # after a pod that the cluster did not take

log = logging.getLogger("jldhub.images")


@dataclass(frozen=True)
class Report:
    """What nobody wants, by the nodes' names and in sum."""

    by_node: Mapping[str, Sequence[NodeImage]] = field(default_factory=dict)
    sums: Sequence[UnwantedImage] = ()

    @classmethod
    def of(cls, nodes: Iterable[Node], ours: Ours, labs: Collection[LabPod]) -> "Report":
        found = {node.name: unwanted(node, ours, [lab for lab in labs if lab.node == node.name]) for node in nodes}
        return cls(found, summed(found, ours))

    @property
    def bytes(self) -> dict[str, int]:
        return {name: sum(image.bytes for image in images) for name, images in self.by_node.items()}


def tell(report: Report, before: Report) -> None:
    """A line of the log for what was not there before."""
    known = {image.name for image in before.sums}
    for image in report.sums:
        if image.name not in known:
            log.info("Nobody wants %s", sentence(image))


class Purger:
    """Where `prepuller.purge` is `remove`. `cluster` is of the namespace in which there are no other pods than those that remove."""

    def __init__(self, api: Api, cluster: Cluster, names: PurgeNames, changed: asyncio.Event) -> None:
        self._cluster, self._names = cluster, names
        selector = ",".join(f"{key}={value}" for key, value in sorted(names.labels.items()))
        self._pods: Mirror[PurgePod] = Mirror(
            api,
            "the pods that purge",
            cluster.pods(everywhere=False),
            read_purge_pod,
            changed,
            {"labelSelector": selector},
        )
        self._told: set[tuple[str, datetime]] = set()
        self._held_until: datetime | None = None
        self.warnings: list[SiteWarning] = []

    async def run(self) -> None:
        await self._pods.run()

    async def look(
        self,
        nodes: Sequence[Node],
        report: Report,
        ours: Ours,
        settings: ImageSettings,
        own: PrepullerSettings,
        busy: Collection[str],
        now: datetime,
    ) -> None:
        """Raises ApiUnavailable."""
        if not self._pods.is_listed:
            return
        purges = [*self._pods.items.values()]
        self._tell_results(purges)
        if self._held_until and now < self._held_until:
            return
        self.warnings = []
        sockets = self._sockets(nodes, report, own)
        todo = plan_purge([node for node in nodes if node.name in sockets], report.by_node, purges, busy, now)
        for name in todo.delete:
            await self._cluster.delete(name)
            key = self._key(name)
            if pod := self._pods.items.get(key):  # until the watch tells that it is gone
                self._pods.items[key] = replace(pod, is_going=True)
        if todo.create:
            await self._create(todo.create, sockets[todo.create.name], ours, settings, own, now)

    def _sockets(self, nodes: Iterable[Node], report: Report, own: PrepullerSettings) -> dict[str, str]:
        """By the names of nodes; of those whose runtime nobody knows, one is warned about."""
        sockets = {}
        for node in nodes:
            try:
                sockets[node.name] = socket_path(node, own.runtime_socket)
            except UnknownRuntime as unknown:
                if report.by_node.get(node.name) and not self.warnings:
                    self.warnings.append(SiteWarning("UnknownRuntime", node.runtime, str(unknown)))
        return sockets

    async def _create(
        self, node: Node, socket: str, ours: Ours, settings: ImageSettings, own: PrepullerSettings, now: datetime
    ) -> None:
        lab = settings.hub.lab
        tolerations = [*lab.pod.tolerations, *(each for size in lab.sizes.values() for each in size.tolerations)]
        try:
            pod = purge_pod(node, socket, ours, own.purge_above, self._names, settings.names.hub_image, tolerations)
            made = await self._cluster.create(pod)
        except (OrderTooLarge, PodRefused) as refusal:
            self._held_until = now + _PAUSE
            self.warnings.append(
                SiteWarning(
                    "PurgeRefused", "", f"No image is removed from {node.name}: {refusal}. It is tried again in an hour"
                )
            )
            return
        if made and (found := read_purge_pod(made)):  # before the watch tells about it
            self._pods.items.setdefault(self._key(found.name), found)
            log.info("%s: a pod looks for images to remove", node.name)

    def _tell_results(self, purges: Iterable[PurgePod]) -> None:
        over = {(each.name, each.created): each for each in purges if each.is_over}
        for key, pod in over.items():
            if key not in self._told:
                level = logging.WARNING if pod.has_failed else logging.INFO
                log.log(level, "%s: %s", pod.node, pod.result or "the pod that purges left nothing behind")
        self._told = {*over}

    def _key(self, pod: str) -> str:
        return f"{self._names.namespace}/{pod}"
