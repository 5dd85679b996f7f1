"""Pods that remove images, and what they say of themselves."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jldhub.images.nodes import size
from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.settings import PurgeNames
from jldhub.images.purging.report import Ours
from jldhub.settings.lab import Toleration

DEADLINE = timedelta(minutes=10)
LARGEST_ORDER = 100_000  # bytes; Linux takes no variable of more than 128 KiB
_NOBODY = 65534
_FOLDER = "jldhub/images/purger"
_SOCKET = "/run/jld-runtime.sock"  # in the container, wherever the node has it


class OrderTooLarge(ValueError):
    """What stays has too many names for one pod. The message says how many."""


@dataclass(frozen=True)
class PurgePod:
    """A pod that removes. `result` is what its log ends with, as the controller's own tells it."""

    name: str
    node: str
    created: datetime
    is_over: bool
    has_failed: bool = False
    result: str = ""
    is_going: bool = False


def purge_name(names: PurgeNames, node: str) -> str:
    """The same for the same node, so that it never has two."""
    return f"{names.pod}-{hashlib.sha256(node.encode()).hexdigest()[:16]}"


def purge_pod(
    node: Node,
    socket: str,
    ours: Ours,
    above: int,
    names: PurgeNames,
    image: str,
    tolerations: Iterable[Toleration],
    dry_run: bool = False,
) -> dict[str, Any]:
    """The pod. Of the node it has the runtime's socket alone, which belongs to root's group. Raises OrderTooLarge."""
    order = json.dumps(
        {
            "repositories": sorted(ours.repositories),
            "wanted": sorted(ours.wanted),
            "above": above,
            "dryRun": dry_run,
        }
    )
    if len(order) > LARGEST_ORDER:
        raise OrderTooLarge(
            f"{len(ours.wanted)} names of images that stay are too many for a pod that purges; have fewer images pulled"
        )
    container = {
        "name": "purge",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "jldhub.images.purger"],
        "env": [
            {"name": "PYTHONPATH", "value": "/etc/jld/python"},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
            {"name": "JLD_SOCKET", "value": _SOCKET},
            {"name": "JLD_PURGE", "value": order},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "python", "mountPath": f"/etc/jld/python/{_FOLDER}", "readOnly": True},
            {"name": "socket", "mountPath": _SOCKET},
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": purge_name(names, node.name),
            "namespace": names.namespace,
            "labels": dict(names.labels),
        },
        "spec": {
            "nodeName": node.name,
            "containers": [container],
            "volumes": [
                {"name": "python", "configMap": {"name": names.python}},
                {"name": "socket", "hostPath": {"path": socket, "type": "Socket"}},
            ],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "serviceAccountName": names.service_account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": _each_once(tolerations),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "runAsGroup": 0,  # the socket is root:root 0660
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    }


def _each_once(tolerations: Iterable[Toleration]) -> list[dict[str, Any]]:
    found: Sequence[dict[str, Any]] = [each.manifest for each in tolerations]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def read_purge_pod(raw: Mapping[str, Any]) -> PurgePod | None:
    """A pod of the Kubernetes API, of the namespace that has no others. None for one that is on no node."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    if not (node := (raw.get("spec") or {}).get("nodeName") or ""):
        return None
    phase = status.get("phase")
    ended = [(each.get("state") or {}).get("terminated") or {} for each in status.get("containerStatuses") or []]
    message = next((each["message"] for each in ended if each.get("message")), status.get("message") or "")
    return PurgePod(
        name=metadata["name"],
        node=node,
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        is_over=phase in ("Succeeded", "Failed"),
        has_failed=phase == "Failed",
        result=_result(message),
        is_going="deletionTimestamp" in metadata,
    )


def _result(message: str) -> str:
    """A sentence of what the program left behind; other words than the program's own stand as they are."""
    try:
        summary = json.loads(message)
        trouble = str(summary.get("trouble") or "")
        number, freed = int(summary["removed"]), size(int(summary["freed"]))
        before, after = float(summary["percentBefore"]), float(summary["percentAfter"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return " ".join(message.split())[:500]
    done = f"removed {number} image{'s' if number != 1 else ''}{f', {freed}' if freed else ''}"
    return f"{done}; the disk was {before:.0f} % full and is {after:.0f} %{f'. It ended early: {trouble}' if trouble else ''}"
