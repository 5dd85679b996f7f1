"""Stops all pods that mount the file server's volumes, before an uninstall deletes the server.

An NFS mount whose server is gone hangs on its node without end, so the pods must end first.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SECONDS = 120.0


@dataclass(frozen=True)
class Pod:
    """The namespace and name of a pod."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Workloads(Protocol):
    """The requests for Deployments and pods."""

    async def stop(self, deployment: str) -> bool: ...
    async def pods(self, selector: str) -> list[Pod]: ...
    async def delete_pod(self, pod: Pod) -> None: ...


async def drain(
    cluster: Workloads, deployments: Sequence[str], selector: str, *, seconds: float = SECONDS, every: float = 1.0
) -> list[str]:
    """Scale `deployments` to zero, then delete every pod that matches the label selector, and wait until they are gone.

    Polls every `every` seconds and gives up after `seconds`. Returns a report: one sentence for each action.
    """
    report = [f"stopped {name}" for name in deployments if await cluster.stop(name)]
    deadline = asyncio.get_running_loop().time() + seconds
    while pods := await cluster.pods(selector):
        if asyncio.get_running_loop().time() > deadline:
            # A hook that waits longer would block the uninstall.
            return [*report, f"after {seconds:.0f} seconds these are still there: {', '.join(map(str, pods))}"]
        for pod in pods:
            await cluster.delete_pod(pod)
        await asyncio.sleep(every)
    return [*report, "no pod has the volumes mounted any more"]
