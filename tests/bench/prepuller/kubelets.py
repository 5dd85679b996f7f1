"""A stand-in for a thousand kubelets: they pull in no time to speak of, and tell of it as kubelets do."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp

from tests.bench.prepuller.api_server import ADMIN, ApiServer

IMAGES = 41  # that each node has from the beginning
NAMESPACE = "jld"
_AT_ONCE = 50  # requests
_PATCH = {"Content-Type": "application/merge-patch+json"}
SELECTOR = "app.kubernetes.io/component=prepull"


class Kubelets:
    """`pulled` counts pods by node and image; `most` is how many were under way at a time, and `twice` on a node."""

    def __init__(self, server: ApiServer, nodes: int, seconds: float) -> None:
        self.pulled: Counter[tuple[str, str]] = Counter()
        self.most = self.twice = 0
        self.pods: set[str] = set()
        self._server, self._seconds = server, seconds
        self._names = [f"node-{number:04}" for number in range(nodes)]
        self._images = {name: _others(name) for name in self._names}
        self._under_way: Counter[str] = Counter()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Kubelets":
        context = ssl.create_default_context(cafile=str(self._server.certificates / "ca.crt"))
        context.load_cert_chain(*(str(self._server.certificates / f"{ADMIN}.{end}") for end in ("crt", "key")))
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        self._session = aiohttp.ClientSession(self._server.url, connector=connector, read_bufsize=2**21)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._session.close()

    async def make(self) -> None:
        """The namespace, what the chart renders in it, and all nodes."""
        await self._post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        await self._post(f"/api/v1/namespaces/{NAMESPACE}/configmaps", {"metadata": {"name": "jld-catalogue"}})
        await self._post(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "jld-prepuller"}})
        await asyncio.gather(*(self._make_node(name) for name in self._names))

    def has_all(self, images: int) -> bool:
        return len(self.pulled) == len(self._names) * images and not self._under_way.total()

    async def run(self) -> None:
        """Until it is cancelled: each pod that names one of the nodes is pulled."""
        path, version = f"/api/v1/namespaces/{NAMESPACE}/pods", "0"
        while True:
            query = {"watch": "1", "labelSelector": SELECTOR, "resourceVersion": version}
            async with self._session.get(path, params=query, timeout=aiohttp.ClientTimeout(total=None)) as response:
                async for line in response.content:
                    event = json.loads(line)
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._see(event["type"], event["object"])

    def _see(self, kind: str, pod: dict[str, Any]) -> None:
        name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
        if kind == "DELETED":
            self.pods.discard(name)
        elif name not in self.pods:
            self.pods.add(name)
            self._under_way[node] += 1
            self.twice += self._under_way[node] > 1
            self.most = max(self.most, self._under_way.total())
            task = asyncio.create_task(self._pull(name, node, pod["spec"]["containers"][0]["image"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pull(self, pod: str, node: str, image: str) -> None:
        await asyncio.sleep(self._seconds)
        state = {"terminated": {"exitCode": 0, "reason": "Completed"}}
        container = {
            "name": "pull",
            "image": image,
            "imageID": image,
            "ready": False,
            "restartCount": 0,
            "state": state,
        }
        status = {"phase": "Succeeded", "containerStatuses": [container]}
        self.pulled[node, image] += 1
        self._under_way[node] -= 1  # before the API server knows: the controller is never ahead of it
        await self._patch(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/status", {"status": status})
        await asyncio.sleep(self._seconds)  # kubelets tell of images a while later
        self._images[node] = [{"names": [image], "sizeBytes": 8 * 10**9}, *self._images[node]]
        await self._patch(f"/api/v1/nodes/{node}/status", {"status": {"images": self._images[node]}})

    async def _make_node(self, name: str) -> None:
        await self._post("/api/v1/nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/os": "linux"}}})
        info = {"operatingSystem": "linux", "architecture": "amd64", "containerRuntimeVersion": "containerd://2.1.4"}
        conditions = [{"type": "Ready", "status": "True"}]
        status = {"conditions": conditions, "nodeInfo": info, "images": self._images[name]}
        await self._patch(f"/api/v1/nodes/{name}/status", {"status": status})

    async def _post(self, path: str, document: dict[str, Any]) -> None:
        async with self._places, self._session.post(path, json=document) as response:
            response.raise_for_status()

    async def _patch(self, path: str, document: dict[str, Any]) -> None:
        async with self._places, self._session.patch(path, json=document, headers=_PATCH) as response:
            if response.status != 404:  # a pod may be gone by now
                response.raise_for_status()


def _others(node: str) -> Sequence[dict[str, Any]]:
    """As nodes tell of them: two names each, by digest and by tag."""
    names = [f"registry.example.org/library/image-{number:02}" for number in range(IMAGES)]
    return [
        {"names": [f"{name}@sha256:{number:064x}", f"{name}:1.0"], "sizeBytes": 10**7}
        for number, name in enumerate(names)
    ]
