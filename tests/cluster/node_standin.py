"""Nodes that only the API server knows: no kubelet is behind them, so that a pod of theirs stays as it is."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .release import Release

TAINT = "jld-test/stand-in"  # which keeps away every pod that does not say otherwise


class StandInNode:
    """A node that is Ready for as long as somebody calls `beat`, at least twice a minute."""

    def __init__(
        self, release: Release, name: str, taints: Sequence[Mapping[str, str]] = (), cordoned: bool = False
    ) -> None:
        self.release, self.name = release, name
        own = {"key": TAINT, "effect": "NoSchedule"}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux", "jld-test": "stand-in"}},
            "spec": {"taints": [own, *taints], **({"unschedulable": True} if cordoned else {})},
        }
        release.apply(json.dumps(node))
        self.beat()

    def beat(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "True", "reason": "StandIn", "message": "", "lastHeartbeatTime": now}
        status: dict[str, Any] = {
            "conditions": [condition],
            "nodeInfo": {"operatingSystem": "linux", "architecture": "amd64"},
            "images": [{"names": ["registry.k8s.io/pause:3.10"], "sizeBytes": 1}],
        }
        patch = json.dumps({"status": status})
        self.release.kubectl("patch", "node", self.name, "--subresource=status", "--type=merge", f"--patch={patch}")

    def delete(self) -> None:
        self.release.kubectl("delete", "node", self.name, "--ignore-not-found", "--wait=false")
