"""A stand-in for a kubelet and its node: pods of one namespace that name the node run at once, for the real API server.

    python kubelet.py --kubeconfig admin.kubeconfig --namespace jld-bench --lab-address 127.1.2.3

The node is a real Node object that nothing schedules to. No container runs: a pod's address is `--lab-address`, where this
program answers on port 8888 as a lab does. When it ends with SIGTERM it prints how many pods each name had, as JSON.
"""

import argparse
import asyncio
import json
import signal
from collections import defaultdict
from typing import Any

from aiohttp import web
from kubernetes_asyncio import config, watch
from kubernetes_asyncio.client import ApiClient, ApiException, CoordinationV1Api, CoreV1Api, V1DeleteOptions

NODE = "jld-stand-in"
Object = dict[str, Any]


class Kubelet:
    def __init__(self, client: ApiClient, namespace: str, address: str) -> None:
        self.api, self.leases = CoreV1Api(client), CoordinationV1Api(client)
        self.namespace, self.address = namespace, address
        self.uids: dict[str, set[str]] = defaultdict(set)
        self.tasks: set[asyncio.Task[None]] = set()

    async def register(self) -> None:
        spec = {"unschedulable": True, "taints": [{"key": "jld.test/stand-in", "effect": "NoSchedule"}]}
        body = {"metadata": {"name": NODE, "labels": {"jld.test/node": "stand-in"}}, "spec": spec}
        try:
            await self.api.create_node(body)
        except ApiException as refused:
            if refused.status != 409:
                raise

    async def beat(self) -> None:
        """A node that says nothing for forty seconds counts as lost."""
        while True:
            conditions = [{"type": "Ready", "status": "True", "reason": "StandIn", "message": "no container runs here"}]
            capacity = {"cpu": "10000", "memory": "10000Gi", "pods": "5000"}
            status = {"conditions": conditions, "capacity": capacity, "allocatable": capacity}
            await self.api.patch_node_status(NODE, {"status": status})
            await asyncio.sleep(10)

    async def follow(self) -> None:
        while True:
            async with watch.Watch() as changes:
                selector = f"spec.nodeName={NODE}"
                listing = self.api.list_namespaced_pod
                async for change in changes.stream(
                    listing, self.namespace, field_selector=selector, timeout_seconds=300
                ):
                    self.later(self.handle(change["type"], change["raw_object"]))

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handle(self, what: str, pod: Object) -> None:
        metadata = pod["metadata"]
        self.uids[metadata["name"]].add(metadata["uid"])
        try:
            if metadata.get("deletionTimestamp"):
                options = V1DeleteOptions(grace_period_seconds=0, preconditions={"uid": metadata["uid"]})
                if what != "DELETED":
                    await self.api.delete_namespaced_pod(metadata["name"], self.namespace, body=options)
            elif what == "ADDED" and pod["status"].get("phase") == "Pending":
                await self.api.patch_namespaced_pod_status(
                    metadata["name"], self.namespace, {"status": self.running(pod)}
                )
        except ApiException as refused:
            if refused.status not in (404, 409):
                print(f"{metadata['name']}: {refused.status} {refused.reason}", flush=True)

    def running(self, pod: Object) -> Object:
        started = {"running": {"startedAt": pod["metadata"]["creationTimestamp"]}}
        containers = [
            {"name": each["name"], "image": each["image"], "imageID": each["image"], "ready": True}
            | {"restartCount": 0, "state": started}
            for each in pod["spec"]["containers"]
        ]
        address = {"podIP": self.address, "podIPs": [{"ip": self.address}], "hostIP": "127.0.0.1"}
        ready = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")]
        return {"phase": "Running", "conditions": ready, "containerStatuses": containers, **address}


async def answer_as_lab(request: web.Request) -> web.Response:
    return web.json_response({"version": "stand-in"}, headers={"X-JupyterHub-Version": "6.1.1"})


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--lab-address", required=True)
    options = parser.parse_args()
    await config.load_kube_config(options.kubeconfig)
    lab = web.Application()
    lab.router.add_route("*", "/{path:.*}", answer_as_lab)
    runner = web.AppRunner(lab, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, options.lab_address, 8888, backlog=1024).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with ApiClient() as client:
        kubelet = Kubelet(client, options.namespace, options.lab_address)
        await kubelet.register()
        work = [asyncio.create_task(kubelet.beat()), asyncio.create_task(kubelet.follow())]
        print("ready", flush=True)
        await stop.wait()
        for task in work:
            task.cancel()
        await kubelet.api.delete_node(NODE)
        print(json.dumps({name: len(uids) for name, uids in kubelet.uids.items()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
