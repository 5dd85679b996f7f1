"""Nodes that join the native cluster while it runs, and leave it: on their own, or as machines that are lost.

A worker's cable leads to the first node, which routes: on this machine there is no more of it than one route, which goes
with the first node's link.
"""

import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from jlddev.clusters import cgroups, native, nodes
from jlddev.clusters.nodes import FIRST, Node
from jlddev.support.errors import MachineError
from jlddev.support.lock import alone
from jlddev.support.run import output, say, tail


def ensure(count: int) -> None:
    """Have at least so many nodes, the first one included. Raises MachineError."""
    for worker in nodes.WORKERS[: count - 1]:
        if not worker.runs():
            join(worker)
    for worker in nodes.WORKERS[: count - 1]:
        wait_until_ready(worker)


@alone("workers")
def join(worker: Node, taints: Sequence[Mapping[str, str]] = ()) -> None:
    """Start a worker that does not run; `taints` are what it registers with. It is Ready some seconds later.

    One that was lost comes back with what it has on its disk, as a machine that is started again. Raises MachineError.
    """
    say(f"start the node {worker.name}")
    lose(worker)  # of a start that was killed
    nodes.configure(worker, taints=taints)
    trust_registries(worker)
    connect(worker, nodes.start(worker, native.build()))


def trust_registries(worker: Node) -> None:
    """Have the worker trust the registries that the first node does."""
    trusted, ours = FIRST.config / "registries", worker.config / "registries"
    for authority in trusted.glob("*/ca.crt"):
        (ours / authority.parent.name).mkdir(parents=True, exist_ok=True)
        (ours / authority.parent.name / "ca.crt").write_bytes(authority.read_bytes())


def connect(worker: Node, inside: int) -> None:
    """Lay the cable between a worker and the first node, and the routes to the worker and its pods."""
    peer = ["peer", "name", "eth0", "netns", str(inside)]
    output([*FIRST.enter("net"), "ip", "link", "add", worker.link, "type", "veth", *peer])
    plug(worker)
    output(["ip", "route", "replace", "198.18.1.0/24", "via", FIRST.address])


def plug(worker: Node) -> None:
    """Have the worker's cable carry something, after `connect` or `unplug`."""
    first = FIRST.enter("net")
    output([*first, "ip", "link", "set", worker.link, "up"])
    output([*first, "ip", "route", "replace", worker.address, "dev", worker.link, "src", FIRST.address])
    output([*first, "ip", "route", "replace", worker.pods, "via", worker.address, "dev", worker.link])


def unplug(worker: Node) -> None:
    """Cut the worker off from all others; what runs on it goes on. The routes through its cable are gone too."""
    output([*FIRST.enter("net"), "ip", "link", "set", worker.link, "down"])


def lose(worker: Node) -> None:
    """End the worker as a machine that loses its power: nobody hears of its processes' end. `join` starts it again.

    What it has on its disk stays. Nothing happens to one that is lost already.
    """
    subprocess.run([*FIRST.enter("net"), "ip", "link", "del", worker.link], capture_output=True, check=False)
    if process := worker.process():
        process.end()
    worker.record.unlink(missing_ok=True)
    cgroups.remove_all(worker.name)


@alone("workers")
def remove(worker: Node) -> None:
    """Take a worker away with all that it has but images; its pods are gone at once."""
    lose(worker)
    nodes.forget(worker)
    of_worker = ["--all-namespaces", f"--field-selector=spec.nodeName={worker.name}"]
    now = ["--force", "--grace-period=0", "--wait=false"]
    output(native.kubectl("delete", "node", worker.name, "--ignore-not-found"))
    output(native.kubectl("delete", "pods", *of_worker, *now))


def wait_until_ready(worker: Node, seconds: float = 60.0) -> None:
    """Return when the cluster takes the worker for Ready. Raises MachineError."""
    deadline = time.monotonic() + seconds
    while not is_ready(worker):
        if not worker.runs():
            raise MachineError(f"The node {worker.name} stopped. The end of {worker.log}:\n{tail(worker.log)}")
        if time.monotonic() > deadline:
            raise MachineError(
                f"The node {worker.name} is not Ready after {seconds:.0f} s. Logs: {worker.state / 'log'}"
            )
        time.sleep(0.2)
    say(f"the node {worker.name} is Ready")


def is_ready(worker: Node) -> bool:
    """Whether the cluster takes it for Ready."""
    asked = native.kubectl("get", "nodes", f"--field-selector=metadata.name={worker.name}", "--output=json")
    started = datetime.fromtimestamp(int(worker.record.stat().st_mtime), UTC)
    return any(ready(node["status"].get("conditions", ()), started) for node in json.loads(output(asked))["items"])


def ready(conditions: Iterable[Mapping[str, str]], since: datetime) -> bool:
    """Whether a node said that it is Ready since then: of one that was lost, it is not noticed for some time."""
    return any(
        each["type"] == "Ready"
        and each["status"] == "True"
        and datetime.fromisoformat(each["lastHeartbeatTime"]) >= since
        for each in conditions
    )
