"""Start many labs at once through the REST API, at a stock hub and at ours, in turns on the same machine.

    flock LOCK .venv/bin/python tests/bench/starts.py [--labs 300] [--seconds 240] [--runs 5]

Real: JupyterHub, KubeSpawner, configurable-http-proxy, the Kubernetes API server with its etcd and controllers. Stand-in: the
kubelet with its node and the labs (tests/standins/kubelet.py); with --standin the API server too (tests/standins/kubernetes.py). Stock is JupyterHub and KubeSpawner with their own defaults and
the spawn limit of 64 that Zero to JupyterHub sets; `unlimited` is the same without that limit. The clients ask again at once when they are refused, as scripts do.
"""

import argparse
import asyncio
import itertools
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import yaml
from jlddev.clusters import providers
from jlddev.support.paths import BIN

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.stock import stock_hub
from tests.hub.deployment import TESTS, Deployment
from tests.hub.kubernetes import Kubernetes
from tests.hub.labs import HEADERS, PROGRAM
from tests.hub.processes import Program

NAMESPACE = "jld-bench"
NODE = 'c.KubeSpawner.extra_pod_config = {**c.KubeSpawner.get("extra_pod_config", {}), "nodeName": "jld-stand-in"}\n'
PLENTY = "c.Authenticator.auth_refresh_age = 0\n"
STOCK = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.concurrent_spawn_limit = {limit}
c.JupyterHub.services = []
c.JupyterHub.load_roles = []
c.KubeSpawner.namespace = "{namespace}"
c.KubeSpawner.image = "localhost/jld/lab:0.1.0"
c.KubeSpawner.storage_pvc_ensure = False
"""
# The clients' token is one that the hub made: those that a person writes into a configuration are hashed slowly at each request.
CLIENT = """
c.JupyterHub.load_roles.append({"name": "clients", "users": ["alice"],
    "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"]})
"""


@dataclass
class Figures:
    """What one hub did."""

    name: str
    labs: int
    waits: list[float] = field(default_factory=list)  # seconds from the first request to a lab that is ready
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0
    cpu: float = 0
    pods: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        up = len(self.waits)
        twice = sum(1 for count in self.pods.values() if count > 1)
        refused = sum(count for status, count in self.answers.items() if status >= 400)
        lines = [
            f"{self.name}: {up} of {self.labs} labs came up, {twice} were made more than once, {refused} answers were refusals"
        ]
        if up > 1:
            ordered = sorted(self.waits)
            p99 = ordered[min(up - 1, int(up * 0.99))]
            lines.append(
                f"  {up / max(ordered):.1f} labs/s until the last one, median {statistics.median(ordered):.1f} s, "
                f"p99 {p99:.1f} s, hub CPU {1000 * self.cpu / up:.0f} ms a lab"
            )
        lines.append(f"  answers to start requests: {dict(sorted(self.answers.items()))}")
        return "\n".join(lines)

    @property
    def rate(self) -> float:
        """Labs a second until the last one was up; 0 where one did not come up."""
        return self.labs / max(self.waits) if len(self.waits) == self.labs else 0.0

    @property
    def milliseconds(self) -> float:
        """Processor time of the hub for each lab that came up."""
        return 1000 * self.cpu / max(1, len(self.waits))


def medians(runs: Sequence[Figures]) -> str:
    """The medians of each kind, and how they compare with the last of the stock hubs."""
    kinds = {name: [each for each in runs if each.name == name] for name in dict.fromkeys(each.name for each in runs)}
    rates = {name: statistics.median(each.rate for each in group) for name, group in kinds.items()}
    costs = {name: statistics.median(each.milliseconds for each in group) for name, group in kinds.items()}
    peer = next((name for name in ("unlimited", "stock") if rates.get(name)), None)
    lines = []
    for name, group in kinds.items():
        line = f"median of {len(group)} runs, {name}: {rates[name]:.1f} labs/s, {costs[name]:.0f} ms of processor time a lab"
        if peer and name != peer:
            line += f"; {rates[name] / rates[peer]:.2f} and {costs[name] / costs[peer]:.2f} times those of {peer}"
        lines.append(line)
    return "\n".join(lines)


async def start_one(session: aiohttp.ClientSession, name: str, figures: Figures, deadline: float) -> None:
    begin = time.monotonic()
    while time.monotonic() < deadline:
        async with session.post(f"users/{name}/server", json={}) as answer:
            figures.answers[answer.status] += 1
            await answer.read()
        if answer.status == 202:
            await follow(session, name)
        async with session.get(f"users/{name}") as answer:
            person = await answer.json()
        if person.get("servers", {}).get("", {}).get("ready"):
            figures.waits.append(time.monotonic() - begin)
            return
        await asyncio.sleep(0.05)


async def follow(session: aiohttp.ClientSession, name: str) -> None:
    """As the page that waits does, until the start is over."""
    try:
        async with session.get(f"users/{name}/server/progress") as answer:
            async for line in answer.content:
                if line.startswith(b"data:") and (b'"ready"' in line or b'"failed"' in line):
                    return
    except aiohttp.ClientError:
        return


async def storm(url: str, figures: Figures, hub: psutil.Process, seconds: float) -> None:
    names = [f"{figures.name}-{number:03}" for number in range(figures.labs)]
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(
        f"{url}/hub/api/", headers=HEADERS, connector=connector, timeout=timeout
    ) as session:
        async with session.post("users", json={"usernames": ["alice", *names]}) as answer:
            assert answer.status in (201, 409), await answer.text()
        async with session.post("users/alice/tokens", json={"note": "clients"}) as answer:
            assert answer.status == 201, await answer.text()
            session.headers["Authorization"] = f"token {(await answer.json())['token']}"
        before, begin = hub.cpu_times(), time.monotonic()
        deadline = begin + seconds
        results = await asyncio.gather(
            *(start_one(session, name, figures, deadline) for name in names), return_exceptions=True
        )
        figures.seconds = time.monotonic() - begin
        after = hub.cpu_times()
        figures.cpu = after.user + after.system - before.user - before.system
    for result in results:
        if isinstance(result, BaseException):
            figures.answers[-1] += 1  # a client that lost its connection or its patience
            print(f"  {type(result).__name__}: {result}", file=sys.stderr)


def ours(directory: Path) -> Deployment:
    deployment = Deployment(directory, {"admins": ["alice"], "dummy": {"users": ["alice"]}})
    path = directory / "settings.yaml"
    document = yaml.safe_load(path.read_text())
    document["names"]["namespace"] = NAMESPACE
    document["hub"]["culling"] = {"idleTimeout": "0s", "maxAge": "0s"}
    deployment.write_settings(document)
    deployment.operator_config.write_text(PLENTY + PROGRAM + CLIENT + NODE)
    return deployment


def stock(directory: Path, limit: int = 64) -> Deployment:
    deployment = stock_hub(directory, STOCK.format(limit=limit, namespace=NAMESPACE) + PROGRAM + CLIENT)
    deployment.operator_config = directory / "config" / "jupyterhub_config.py"
    deployment.operator_config.write_text(deployment.operator_config.read_text() + NODE)
    return deployment


def unlimited(directory: Path) -> Deployment:
    return stock(directory, limit=0)


KINDS = {"stock": stock, "unlimited": unlimited, "jld": ours}


def measure(deployment: Deployment, name: str, labs: int, seconds: float, kubeconfig: Path, directory: Path) -> Figures:
    (deployment.directory / "kubeconfig").write_text(kubeconfig.read_text())
    address = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])  # noqa: S311
    program = [sys.executable, str(TESTS / "standins" / "kubelet.py"), "--kubeconfig", str(kubeconfig)]
    kubelet = Program("kubelet", [*program, "--namespace", NAMESPACE, "--lab-address", address], {}, directory)
    figures = Figures(name, labs)
    try:
        kubelet.start()
        kubelet.wait_until(lambda: "ready" in kubelet.log())
        deployment.start()
        deployment.wait()
        assert deployment.hub.process is not None
        asyncio.run(storm(deployment.url, figures, psutil.Process(deployment.hub.process.pid), seconds))
    finally:
        deployment.stop()
        kubectl(kubeconfig, "delete", "pods", "--all", "--grace-period=0", "--force", "--namespace", NAMESPACE)
        kubelet.stop()
    lines = [line for line in kubelet.log().splitlines() if line.startswith("{")]
    figures.pods = json.loads(lines[-1]) if lines else {}
    return figures


def measure_on_standin(deployment: Deployment, name: str, labs: int, seconds: float, directory: Path) -> Figures:
    """The same without any Kubernetes: what is left is the hub's own work."""
    kubernetes = Kubernetes(directory / f"kubernetes-{name}", namespace=NAMESPACE)
    kubernetes.serve(deployment)
    deployment.operator_config.write_text(deployment.operator_config.read_text().replace(NODE, ""))
    figures = Figures(name, labs)
    try:
        kubernetes.start()
        deployment.start()
        deployment.wait()
        assert deployment.hub.process is not None
        asyncio.run(storm(deployment.url, figures, psutil.Process(deployment.hub.process.pid), seconds))
        figures.pods = {key: count for key, count in kubernetes.told()["made"].items() if key.startswith("pods/")}
    finally:
        deployment.stop()
        kubernetes.stop()
    return figures


def kubectl(kubeconfig: Path, *words: str) -> None:
    subprocess.run([BIN / "kubectl", "--kubeconfig", kubeconfig, *words], check=False, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labs", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--runs", type=int, default=1, help="of each kind, in turns")
    parser.add_argument("--only", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--logs", type=Path, help="a folder for the hubs' logs")
    parser.add_argument("--standin", action="store_true", help="no Kubernetes at all")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that one who is stopped tidies up, too
    if options.standin:
        with tempfile.TemporaryDirectory() as name:
            runs = []
            for number, kind in itertools.product(range(options.runs), options.only):
                directory = Path(name) / f"{number}-{kind}"
                directory.mkdir()
                deployment = KINDS[kind](directory / "hub")
                runs.append(measure_on_standin(deployment, kind, options.labs, options.seconds, directory))
                print(runs[-1].text, flush=True)
            print(medians(runs), flush=True)
        return
    kubeconfig = Path(providers.choose().up())
    kubectl(kubeconfig, "create", "namespace", NAMESPACE)
    kubectl(kubeconfig, "create", "serviceaccount", "jld-lab", "--namespace", NAMESPACE)
    with tempfile.TemporaryDirectory() as name:
        try:
            runs = []
            for number, kind in itertools.product(range(options.runs), options.only):
                directory = Path(name) / f"{number}-{kind}"
                directory.mkdir()
                deployment = KINDS[kind](directory / "hub")
                runs.append(measure(deployment, kind, options.labs, options.seconds, kubeconfig, directory))
                print(runs[-1].text, flush=True)
                if options.logs:
                    (options.logs / f"starts-{kind}.log").write_text(deployment.hub.log())
            print(medians(runs), flush=True)
        finally:
            kubectl(kubeconfig, "delete", "namespace", NAMESPACE, "--wait=false")


if __name__ == "__main__":
    main()
