"""What the local installation of `make up` costs: `python tests/bench/local_cluster.py`, on a cluster where JLD runs.

Prints the memory of the cluster's programs and of JLD's pods, and how long a person waits from the click on Start until
the lab answers and until JupyterLab is on the screen. These machines are noisy: take the median, and compare only
within one run.
"""

import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil
from jlddev import up
from jlddev.clusters import native, nodes, providers
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import sync_playwright
from pytest_helm_charts.clusters import ExistingCluster
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.chromium import open_chromium
from tests.cluster.person import Person, sit_down
from tests.cluster.release import Ports, Release

STARTS = 5
LAB = "/user/alice/"


class LocalRelease(Release):
    """What `make up` installed: it answers on this machine's loopback."""

    node_address = "127.0.0.1"  # type: ignore[assignment]


def main() -> None:
    kubeconfig = providers.choose().up()
    existing = ExistingCluster(str(kubeconfig))
    existing.create()
    release = LocalRelease(existing, "jld", Ports(http=8080, https=8443), CHECKOUT)
    release.ca = up.CERTIFICATE
    with sync_playwright() as playwright:
        chromium = open_chromium(playwright, {"*.localhost": release.node_address})
        person = sit_down(chromium, release)
        person.log_in_with_password("alice", release.dummy_password)
        if release.pods("lab"):
            person.stop_lab()
        waits = []
        for number in range(STARTS):
            waits.append(start(person))
            if number < STARTS - 1:
                person.stop_lab()
        chromium.close()
    answers, screens = zip(*waits, strict=True)
    seconds = {
        f"the lab answers: median of {STARTS}": statistics.median(answers),
        "the lab answers: slowest": max(answers),
        f"JupyterLab is on the screen: median of {STARTS}": statistics.median(screens),
        "JupyterLab is on the screen: slowest": max(screens),
    }
    console = Console()
    console.print(table("From the click on Start", "seconds", seconds))
    console.print(table("Memory of JLD's pods", "MB working set", pod_memory(release)))
    if nodes.FIRST.runs():
        console.print(table("Memory of the native node's programs", "MB resident", node_memory()))


def node_memory() -> dict[str, float]:
    """Resident memory by program, of all processes in the node's PID namespace that are not in a pod."""
    found: Counter[str] = Counter()
    for process in psutil.Process(native.node_pid()).children(recursive=True):
        if process.name() in NODE_PROGRAMS:
            found[process.name()] += process.memory_info().rss // 2**20
    return dict(found.most_common())


NODE_PROGRAMS = {
    "containerd",
    "coredns",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubelet",
    "local-path-provisioner",
}


def pod_memory(release: Release) -> dict[str, float]:
    """Working set by pod, as the kubelet tells it."""
    summary = json.loads(release.kubectl("get", "--raw", "/api/v1/nodes/jld-node/proxy/stats/summary"))
    pods = [pod for pod in summary["pods"] if pod["podRef"]["namespace"] == release.name]
    return {pod["podRef"]["name"]: pod["memory"]["workingSetBytes"] / 2**20 for pod in pods}


def start(person: Person) -> tuple[float, float]:
    """Seconds from the click until the lab answers, and until JupyterLab shows."""
    person.open("/hub/spawn")
    clicked = time.monotonic()
    person.page.get_by_role("button", name="Start").click()
    with person.client() as client:
        while True:
            cookie = person.cookie_header(f"{LAB}api")
            if answers(client, cookie):
                break
            time.sleep(0.1)
    answered = time.monotonic() - clicked
    person.page.wait_for_url("**/lab**", timeout=120_000)
    person.page.locator("#jp-main-dock-panel").wait_for(timeout=60_000)
    shown = time.monotonic() - clicked
    return answered, shown


def answers(client: httpx.Client, cookie: str) -> bool:
    """Whether it is the lab that answers, not the hub for it."""
    answer = client.get(f"{LAB}api", headers={"Cookie": cookie})
    return answer.status_code == 200 and "version" in answer.text


def table(title: str, unit: str, rows: dict[str, float]) -> Table:
    drawn = Table("", unit, title=title, title_justify="left")
    for name, number in rows.items():
        drawn.add_row(name, f"{number:.1f}")
    return drawn


if __name__ == "__main__":
    main()
