"""The native cluster on a machine with cgroup v2 alone: its node gets Ready, a lab-sized pod keeps to its limits, and nothing of it stays."""

import json
import time
from collections.abc import Callable
from typing import Any

from jlddev.clusters.guest import Guest

KUBECTL = "/root/.cache/jld/bin/kubectl --kubeconfig /root/.cache/jld/node/admin.kubeconfig"
MEBIBYTES = 256
LAB = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "lab"},
    "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "lab",
                "image": "localhost/jld/node-helper:1",
                "imagePullPolicy": "Never",
                "command": ["sh", "-c", "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max; exec tail /dev/zero"],
                "resources": {"limits": {"cpu": "500m", "memory": f"{MEBIBYTES}Mi"}},
            }
        ],
    },
}
LOAD = """
import shutil
from types import SimpleNamespace
from jlddev.clusters import load
from jlddev.images import build
built = SimpleNamespace(save=lambda reference, target: shutil.copy("/jld/node-helper.tar", target))
load.into_native(built, [build.node_helper()])
"""
FOOTPRINT = """
cat /sys/fs/cgroup/cgroup.subtree_control; ls -d /sys/fs/cgroup/*/ 2>/dev/null; ls /sys/class/net; cat /proc/mounts
"""


def jlddev(machine: Guest, words: str, seconds: float = 900) -> str:
    """Run Python with the harness's modules in it."""
    python = ["env", "HOME=/root", "PYTHONPATH=/jld/checkout/dev-tools", "python3", "-c", words]
    return machine.run(*python, seconds=seconds)


def shell(machine: Guest, words: str, seconds: float = 600) -> str:
    return machine.run("sh", "-c", words, seconds=seconds)


def test_a_node_with_a_lab_on_cgroup_v2(machine: Guest, describe_level: Callable[..., None]) -> None:
    assert shell(machine, "stat --file-system --format %T /sys/fs/cgroup").strip() == "cgroup2fs"
    before = shell(machine, FOOTPRINT)
    assert jlddev(machine, "from jlddev.clusters import native; print(native.missing())").strip() == "None"

    started = time.monotonic()
    jlddev(machine, "from jlddev.clusters import native; native.up(patience=1500)", seconds=1600)
    describe_level("machine", f"the node Ready after {time.monotonic() - started:.0f} s of emulation")
    jlddev(machine, LOAD)
    machine.run("sh", "-c", f"{KUBECTL} apply --filename -", text=json.dumps(LAB), seconds=300)
    lab = wait_for_end(machine)
    ended = lab["status"]["containerStatuses"][0]["state"]["terminated"]
    said = shell(machine, f"{KUBECTL} logs lab").split()
    assert ended["reason"] == "OOMKilled", (ended, said)
    assert said[:3] == [str(MEBIBYTES * 2**20), "50000", "100000"]

    jlddev(machine, "from jlddev.clusters import native; native.down()")
    assert shell(machine, FOOTPRINT) == before


def wait_for_end(machine: Guest, seconds: int = 600) -> Any:
    """The lab when its container has ended. One program waits: to start another every few seconds takes most of an emulated processor."""
    over = "--for=jsonpath={.status.containerStatuses[0].state.terminated}"
    shell(machine, f"{KUBECTL} wait {over} --timeout={seconds}s pod/lab", seconds=seconds + 60)
    return json.loads(shell(machine, f"{KUBECTL} get pod lab --output json"))
