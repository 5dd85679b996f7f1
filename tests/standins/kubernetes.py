"""A stand-in for the Kubernetes API and for the nodes behind it: the core objects of one cluster, kept in memory.

    python kubernetes.py --port 6443 --lab-address 127.0.0.9 --lab-port 8888

It lists, watches, makes, reads, changes and deletes any kind of the core group as the real API does, with its status
codes and Status objects. What an order (POST `/_control`) says happens to the pods whose names contain `name`:
    {"name": "ada", "status": {...}, "events": [{"reason": ..., "message": ..., "type": "Warning"}]}   this becomes of them
    {"name": "ada", "refuse": {"code": 403, "message": "..."}}                                        they are not taken
    {"name": "ada", "late": 40, "times": 1}    they are made at once, and the answer comes after so many seconds
    {"name": "ada", "vanish": true}            they are made, seen, and gone
    {"name": "ada", "slow": 20}                they run so many seconds later
    {"name": "ada", "crash": {...}}            they run where nothing answers, and two seconds later this becomes of them
    {"name": "ada", "later": 8}                a request for them is heard so many seconds later
    {"outage": 75}                             the API closes every connection for so many seconds
Without an order a pod runs after `--delay` seconds and its lab answers every address. GET `/_control` tells what was asked.
"""

import argparse
import asyncio
import copy
import itertools
import json
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Object = dict[str, Any]
NOWHERE = "127.255.255.254"  # nobody listens there


class Cluster:
    """Every object, every change since the start, and the orders."""

    def __init__(self, lab_address: str, delay: float) -> None:
        self.lab_address, self.delay = lab_address, delay
        self.objects: dict[tuple[str, str, str], Object] = {}  # kind, namespace, name
        self.changes: list[tuple[int, str, str, Object]] = []  # version, kind, what happened, the object then
        self.changed = asyncio.Condition()
        self.version = itertools.count(1)
        self.orders: list[Object] = []
        self.made: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()
        self.out_until = 0.0

    @property
    def is_out(self) -> bool:
        return asyncio.get_running_loop().time() < self.out_until

    async def change(self, kind: str, what: str, thing: Object) -> None:
        version = next(self.version)
        thing["metadata"]["resourceVersion"] = str(version)
        key = kind, thing["metadata"]["namespace"], thing["metadata"]["name"]
        if what == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = thing
        async with self.changed:
            self.changes.append((version, kind, what, copy.deepcopy(thing)))
            self.changed.notify_all()

    async def collect_garbage(self, owner: Object) -> None:
        """Delete what belonged to an object that is gone."""
        for (kind, *_), thing in list(self.objects.items()):
            if any(each["uid"] == owner["metadata"]["uid"] for each in thing["metadata"].get("ownerReferences") or []):
                await self.change(kind, "DELETED", thing)

    def order_for(self, name: str, wanted: str) -> Object | None:
        for order in self.orders:
            if order.get("name", "") in name and wanted in order and order.get("times", 1) != 0:
                if "times" in order:
                    order["times"] -= 1
                return order
        return None

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run_pod(self, pod: Object) -> None:
        """What scheduler and kubelet would do."""
        name = pod["metadata"]["name"]
        slow = self.order_for(name, "slow") or {"slow": self.delay}
        await asyncio.sleep(slow["slow"])
        if self.order_for(name, "vanish"):
            await asyncio.sleep(2)
            await self.change("pods", "DELETED", pod)
            await self.collect_garbage(pod)
            return
        if crash := self.order_for(name, "crash"):
            pod["status"] = self.running(pod) | {"podIP": NOWHERE}
            await self.change("pods", "MODIFIED", pod)
            await asyncio.sleep(2)
            pod["status"] = crash["crash"]
            await self.change("pods", "MODIFIED", pod)
            return
        order = self.order_for(name, "status")
        for event in (order or {}).get("events", []):
            await self.tell(pod, **event)
        if self.objects.get(("pods", pod["metadata"]["namespace"], name)) is not pod:
            return
        pod["status"] = order["status"] if order else self.running(pod)
        await self.change("pods", "MODIFIED", pod)

    def running(self, pod: Object) -> Object:
        now = timestamp()
        containers = [
            {"name": each["name"], "image": each["image"], "imageID": each["image"], "ready": True, "restartCount": 0}
            | {"state": {"running": {"startedAt": now}}}
            for each in pod["spec"]["containers"]
        ]
        return {"phase": "Running", "podIP": self.lab_address, "startTime": now, "containerStatuses": containers}

    async def tell(self, pod: Object, reason: str, message: str, type: str = "Normal") -> None:
        about = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")} | {"kind": "Pod"}
        metadata = {
            "name": f"{about['name']}.{uuid.uuid4().hex[:16]}",
            "namespace": about["namespace"],
            "uid": str(uuid.uuid4()),
        }
        event = {"metadata": metadata, "involvedObject": about, "reason": reason, "message": message, "type": type}
        await self.change("events", "ADDED", event | {"lastTimestamp": timestamp(), "eventTime": None})


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def status(code: int, message: str) -> web.Response:
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return web.json_response(document, status=code)


def field(thing: Object, path: str) -> str:
    for part in path.split("."):
        thing = (thing or {}).get(part)  # type: ignore[assignment]
    return str(thing)


def selected(thing: Object, request: web.Request) -> bool:
    labels = [part.split("=") for part in request.query.get("labelSelector", "").split(",") if part]
    fields = [part.split("=") for part in request.query.get("fieldSelector", "").split(",") if part]
    have = thing["metadata"].get("labels") or {}
    return all(have.get(key) == value for key, value in labels) and all(
        field(thing, key) == value for key, value in fields
    )


def cluster_of(request: web.Request) -> Cluster:
    return request.app[CLUSTER]


def in_scope(thing: Object, request: web.Request) -> bool:
    return thing["metadata"]["namespace"] == request.match_info["namespace"] and selected(thing, request)


async def collection(request: web.Request) -> web.StreamResponse:
    cluster, kind = cluster_of(request), request.match_info["kind"]
    if request.query.get("watch") in ("true", "1", "True"):
        return await watch(request, cluster, kind)
    found = [thing for (its, *_), thing in cluster.objects.items() if its == kind and in_scope(thing, request)]
    version = str(cluster.changes[-1][0] if cluster.changes else 0)
    return web.json_response(
        {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": found}
    )


async def watch(request: web.Request, cluster: Cluster, kind: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    since = int(request.query.get("resourceVersion") or 0)
    loop = asyncio.get_running_loop()
    end = loop.time() + float(request.query.get("timeoutSeconds", 3600))
    position = 0
    while not cluster.is_out:
        news = cluster.changes[position:]
        position += len(news)
        for version, its, what, thing in news:
            if version > since and its == kind and in_scope(thing, request):
                await answer.write(json.dumps({"type": what, "object": thing}).encode() + b"\n")
        async with cluster.changed:
            try:
                async with asyncio.timeout(max(0, end - loop.time())):
                    await cluster.changed.wait_for(lambda: cluster.is_out or len(cluster.changes) > position)  # noqa: B023
            except TimeoutError:
                return answer
    raise ConnectionResetError("the API is out")


async def create(request: web.Request) -> web.Response:
    cluster, kind, namespace = cluster_of(request), request.match_info["kind"], request.match_info["namespace"]
    thing = await request.json()
    name = thing["metadata"]["name"]
    cluster.asked[f"{kind}/{name}"] += 1
    if kind == "pods" and (order := cluster.order_for(name, "refuse")):
        return status(order["refuse"]["code"], order["refuse"]["message"])
    if kind == "pods" and (order := cluster.order_for(name, "later")):
        await asyncio.shield(asyncio.sleep(order["later"]))
    if (kind, namespace, name) in cluster.objects:
        return status(409, f'{kind} "{name}" already exists')
    thing["metadata"] |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
    cluster.made[f"{kind}/{name}"] += 1
    if kind == "pods":
        thing["status"] = {"phase": "Pending"}
    await cluster.change(kind, "ADDED", thing)
    if kind == "pods":
        cluster.later(cluster.run_pod(thing))
        if order := cluster.order_for(name, "late"):
            await asyncio.sleep(order["late"])
    return web.json_response(thing, status=201)


async def single(request: web.Request) -> web.Response:
    cluster = cluster_of(request)
    kind, namespace, name = (request.match_info[part] for part in ("kind", "namespace", "name"))
    thing = cluster.objects.get((kind, namespace, name))
    if thing is None:
        return status(404, f'{kind} "{name}" not found')
    if request.method == "DELETE":
        cluster.deleted[f"{kind}/{name}"] += 1
        await cluster.change(kind, "DELETED", thing)
        await cluster.collect_garbage(thing)
    elif request.method == "PATCH":
        merge(thing, await request.json())
        await cluster.change(kind, "MODIFIED", thing)
    elif request.method == "PUT":
        whole = await request.json()
        thing |= {**whole, "metadata": thing["metadata"] | whole["metadata"]}
        await cluster.change(kind, "MODIFIED", thing)
    return web.json_response(thing)


def merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value


async def control(request: web.Request) -> web.Response:
    cluster = cluster_of(request)
    if request.method == "POST":
        order = await request.json()
        if order.get("forget"):
            cluster.orders.clear()
        elif "outage" in order:
            cluster.out_until = asyncio.get_running_loop().time() + order["outage"]
            async with cluster.changed:
                cluster.changed.notify_all()
        else:
            cluster.orders.append(order)
    return web.json_response({"made": cluster.made, "asked": cluster.asked, "deleted": cluster.deleted})


@web.middleware
async def close_in_an_outage(request: web.Request, handler: Any) -> web.StreamResponse:
    if cluster_of(request).is_out and request.path != "/_control":
        assert request.transport is not None
        request.transport.abort()
        raise ConnectionResetError("the API is out")
    answer: web.StreamResponse = await handler(request)
    return answer


async def answer_as_lab(request: web.Request) -> web.Response:
    return web.json_response({"version": "stand-in", "path": request.path}, headers={"X-JupyterHub-Version": "6.1.1"})


CLUSTER = web.AppKey("cluster", Cluster)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lab-address", required=True)
    parser.add_argument("--lab-port", type=int, default=8888)
    parser.add_argument("--delay", type=float, default=0.1)
    parser.add_argument("--namespace", default="jld")
    parser.add_argument("--service-account", default="jld-lab")
    options = parser.parse_args()
    cluster = Cluster(options.lab_address, options.delay)
    account = {"name": options.service_account, "namespace": options.namespace, "uid": str(uuid.uuid4())}
    await cluster.change(
        "serviceaccounts", "ADDED", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}
    )
    api, lab = web.Application(middlewares=[close_in_an_outage]), web.Application()
    api[CLUSTER] = cluster
    kinds = "/api/v1/namespaces/{namespace}/{kind}"
    api.router.add_get(kinds, collection)
    api.router.add_post(kinds, create)
    for method in ("GET", "DELETE", "PATCH", "PUT"):
        api.router.add_route(method, kinds + "/{name}", single)
    api.router.add_route("*", "/_control", control)
    lab.router.add_route("*", "/{path:.*}", answer_as_lab)
    for application, address, port in ((api, "127.0.0.1", options.port), (lab, options.lab_address, options.lab_port)):
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, address, port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
