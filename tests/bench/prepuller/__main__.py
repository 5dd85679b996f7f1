"""What the prepuller asks of a cluster, and what it needs itself: `python tests/bench/prepuller [--nodes 1000] [--images 8]`.

Real: the controller as its own process, the Kubernetes API server and etcd, on this machine's loopback. Stand-in: the kubelets. Their pulls take a
second, and pods are kept for 20 seconds after their end, not for ten minutes. In the middle the controller is ended and started again.
Exit code 1 where it asks more than two requests a pull and a constant number besides, pulls anything twice, or is larger than its limits.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench.prepuller.api_server import IN_VAIN, ApiServer
from tests.bench.prepuller.kubelets import NAMESPACE, Kubelets
from tests.hub.deployment import EXTENSIONS, of_prepuller, settings
from tests.hub.processes import Program
from tests.ports import free_port

MOST_MEMORY, MOST_SECONDS = 100 * 10**6, 60.0
# Beside two a pull: lists in pages, watches that begin anew every five minutes, the account, the ConfigMap and what is written into it.
BESIDES = 200
RUN = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from jldhub.images.controller.__main__ import configure_log, run
from jldhub.images.prepuller import plan
plan.KEPT = timedelta(seconds=20)
configure_log()
asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), account=Path(sys.argv[3])))
"""


@dataclass
class Needs:
    """What the controller's processes needed so far."""

    seconds: float = 0.0
    memory: int = 0

    def add(self, process: psutil.Process) -> None:
        times = process.cpu_times()
        self.seconds += times.user + times.system
        peak = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line)
        self.memory = max(self.memory, int(peak.split()[1]) * 1024)


def write_settings(folder: Path, images: int, at_once: int) -> None:
    document: dict[str, Any] = settings({"dummy": {"users": ["ada"]}}, 8081, ["jld-nginx-api:8001"], folder)
    listed = {
        f"lab-{number}": {"reference": f"localhost:9/lab-{number}@sha256:{number:064x}"} for number in range(images)
    }
    document["hub"]["lab"] |= {"images": listed, "defaultImage": "lab-0", "provisionHomes": False}
    document["names"] |= {"catalogue": "jld-catalogue", "namespace": NAMESPACE}
    (folder / "settings.yaml").write_text(yaml.safe_dump(of_prepuller(document)))
    labels = {"app.kubernetes.io/name": "jld", "app.kubernetes.io/component": "prepull"}
    names = {"pod": "jld-prepull", "labels": labels, "serviceAccount": "jld-prepuller", "deployment": "jld-prepuller"}
    (folder / "prepuller.yaml").write_text(yaml.safe_dump({"nodesAtOnce": at_once, "names": names}))


def controller(folder: Path, server: ApiServer) -> Program:
    environment = {
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(EXTENSIONS)),
        "JLD_SETTINGS": str(folder / "settings.yaml"),
        "JLD_KUBERNETES_API": server.url,
    }
    command = [sys.executable, "-c", RUN, str(folder / "registries"), str(free_port()), str(server.account)]
    return Program("controller", command, environment, folder)


async def measure(folder: Path, nodes: int, images: int, at_once: int) -> tuple[dict[str, str], list[str]]:
    """What was measured, and what is wrong with it."""
    write_settings(folder, images, at_once)
    needs, server = Needs(), ApiServer(folder)
    with server.running():
        async with Kubelets(server, nodes, seconds=1.0) as kubelets:
            await kubelets.make()
            running = asyncio.create_task(kubelets.run())
            program = controller(folder, server)
            begun = time.monotonic()
            program.start()
            await until(lambda: len(kubelets.pulled) * 2 >= nodes * images, program, running)
            end(program, needs)
            program.start()
            await until(lambda: kubelets.has_all(images), program, running)
            converged = time.monotonic() - begun
            await until(lambda: not kubelets.pods, program, running)
            end(program, needs)
            running.cancel()
        return judged(server.requests(), kubelets, needs, nodes * images, converged, at_once)


def end(program: Program, needs: Needs) -> None:
    assert program.process is not None
    needs.add(psutil.Process(program.process.pid))
    program.stop()


async def until(condition: Any, program: Program, running: "asyncio.Task[None]") -> None:
    while not condition():
        if running.done() or program.process is None or program.process.poll() is not None:
            await running
            raise SystemExit(f"the controller ended:\n{program.log()[-3000:]}")
        await asyncio.sleep(0.2)


def judged(
    requests: Counter[tuple[str, str]], kubelets: Kubelets, needs: Needs, pulls: int, converged: float, at_once: int
) -> tuple[dict[str, str], list[str]]:
    in_vain = sum(number for (verb, _), number in requests.items() if verb.endswith(IN_VAIN))
    besides = requests.total() - 2 * pulls  # what was under way when the controller was ended is asked for again
    figures = {
        "pulls": str(kubelets.pulled.total()),
        "until the last was there": f"{converged:.0f} s",
        "pods made, deleted": f"{requests['create', 'pods']}, {requests['delete', 'pods']}",
        "other requests": ", ".join(
            f"{number} {verb} {resource}"
            for (verb, resource), number in sorted(requests.items())
            if (verb, resource) not in (("create", "pods"), ("delete", "pods"))
        ),
        "most pulls at a time": str(kubelets.most),
        "memory at most": f"{needs.memory / 10**6:.0f} MB",
        "processor": f"{needs.seconds:.1f} s",
    }
    checks = {
        f"{kubelets.pulled.total()} pulls of {pulls}": kubelets.pulled.total() == pulls,
        f"{kubelets.twice} times two pulls on a node": kubelets.twice == 0,
        f"{kubelets.most} pulls at a time, of {at_once}": kubelets.most <= at_once,
        f"{requests['create', 'pods']} pods made for {pulls} pulls": requests["create", "pods"] == pulls,
        f"{besides} requests besides, more than {BESIDES}": besides <= BESIDES,
        f"{in_vain} requests in vain": in_vain <= at_once,  # those under way when the controller was ended
        f"{needs.memory / 10**6:.0f} MB of memory": needs.memory < MOST_MEMORY,
        f"{needs.seconds:.0f} s of processor": needs.seconds < MOST_SECONDS,
    }
    return figures, [mistake for mistake, good in checks.items() if not good]


def main() -> None:
    parser = argparse.ArgumentParser(description="What the prepuller asks of a cluster, and what it needs itself.")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--at-once", type=int, default=50, help="nodes that pull at a time (prepuller.nodesAtOnce)")
    chosen = parser.parse_args()
    # What it has started is ended also where it is ended itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as name:
        figures, mistakes = asyncio.run(measure(Path(name), chosen.nodes, chosen.images, chosen.at_once))
    table = Table("", f"{chosen.nodes} nodes, {chosen.images} images, {chosen.at_once} at once")
    for what, figure in figures.items():
        table.add_row(what, figure)
    Console(width=110).print(table)
    if mistakes:
        raise SystemExit("Wrong: " + "; ".join(mistakes))


if __name__ == "__main__":
    main()
