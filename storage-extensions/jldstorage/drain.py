"""Stops whatever has the file server's volumes mounted, before an uninstall takes the server away.

A mount whose server is gone hangs on its node for ever: pods must be gone first.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SECONDS = 120.0


@dataclass(frozen=True)
class Pod:
    """Where a pod is."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Cluster(Protocol):
    """What is asked of a cluster."""

    async def stop(self, deployment: str) -> bool: ...
    async def pods(self, selector: str) -> list[Pod]: ...
    async def delete_pod(self, pod: Pod) -> None: ...


async def drain(
    cluster: Cluster, deployments: Sequence[str], selector: str, *, seconds: float = SECONDS, every: float = 1.0
) -> list[str]:
    """Stop `deployments`, then every pod of `selector`. What was done, a sentence each; it never waits longer than `seconds`."""
    said = [f"stopped {name}" for name in deployments if await cluster.stop(name)]
    deadline = asyncio.get_running_loop().time() + seconds
    while pods := await cluster.pods(selector):
        if asyncio.get_running_loop().time() > deadline:
            # To wait for ever would keep the operator from ever uninstalling.
            return [*said, f"after {seconds:.0f} seconds these are still there: {', '.join(map(str, pods))}"]
        for pod in pods:
            await cluster.delete_pod(pod)
        await asyncio.sleep(every)
    return [*said, "no pod has the volumes mounted any more"]
