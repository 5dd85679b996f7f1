"""Stops all pods that mount the file server's volumes, before an uninstall deletes the server.

An NFS mount whose server is gone hangs on its node without end, so the pods must end first. What does not end in time, or is
not the chart's to stop, is written down where it outlives the uninstall.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

SECONDS = 120.0
_REMEDY = (
    "The file server is gone, and what has its volumes mounted waits for it without end. "
    'See docs/storage.md, "Pods that hang on a dead mount". Then delete this ConfigMap.'
)


@dataclass(frozen=True)
class Pod:
    """A pod, as far as the drain asks about it."""

    namespace: str
    name: str
    node: str = ""  # empty where it is on none
    claims: frozenset[str] = frozenset()  # that it mounts
    is_finished: bool = False  # it may be there still, and mounts nothing
    is_being_deleted: bool = False

    def __str__(self) -> str:
        place = f" on node {self.node}" if self.node else ""
        return f"{self.namespace}/{self.name}{place}{' (being deleted)' if self.is_being_deleted else ''}"


class Workloads(Protocol):
    """The requests for Deployments and pods, and for the report that stays."""

    async def stop(self, deployment: str) -> bool: ...
    async def pods(self, selector: str = "") -> list[Pod]: ...
    async def delete_pod(self, pod: Pod) -> None: ...
    async def keep_report(self, text: str) -> None: ...
    async def remove_report(self) -> None: ...


@dataclass(frozen=True)
class Mounts:
    """What mounts the volumes."""

    deployments: Sequence[str]  # whose pods mount them, or start such pods
    selector: str  # labels of the pods to stop
    namespace: str  # of the release
    claims: Collection[str]  # there; that of a person's namespace has such a name, a hyphen and a digest


async def drain(cluster: Workloads, mounts: Mounts, *, seconds: float = SECONDS, every: float = 1.0) -> list[str]:
    """Scale the Deployments to zero, then delete every pod that matches the label selector, and wait until they are gone.

    Polls every `every` seconds and gives up after `seconds`: a hook that waits longer would block the uninstall. Returns
    a report: one sentence for each action, and for what has the volumes mounted still.
    """
    report = [f"stopped {name}" for name in mounts.deployments if await cluster.stop(name)]
    deadline = asyncio.get_running_loop().time() + seconds
    while pods := await cluster.pods(mounts.selector):
        if asyncio.get_running_loop().time() > deadline:
            break
        for pod in pods:
            await cluster.delete_pod(pod)
        await asyncio.sleep(every)
    stayed = {(pod.namespace, pod.name) for pod in pods}
    others = [pod for pod in await cluster.pods() if _holds(pod, mounts) and (pod.namespace, pod.name) not in stayed]
    if left := _left(pods, others, seconds):
        now = datetime.now(UTC)
        await cluster.keep_report("\n".join([f"helm uninstall at {now:%Y-%m-%d %H:%M} UTC:", *left, _REMEDY, ""]))
        return [*report, *left, _REMEDY]
    await cluster.remove_report()
    return [*report, "no pod has the volumes mounted any more"]


def _holds(pod: Pod, mounts: Mounts) -> bool:
    if pod.is_finished:
        return False
    if pod.namespace == mounts.namespace:
        return not pod.claims.isdisjoint(mounts.claims)
    return any(claim.startswith(f"{name}-") for claim in pod.claims for name in mounts.claims)


def _left(stayed: Sequence[Pod], others: Sequence[Pod], seconds: float) -> list[str]:
    sentences = []
    if stayed:
        sentences.append(f"after {seconds:.0f} seconds these are still there: {', '.join(map(str, stayed))}")
    if others:
        sentences.append(f"these mount the volumes, and are not the chart's to stop: {', '.join(map(str, others))}")
    return sentences
