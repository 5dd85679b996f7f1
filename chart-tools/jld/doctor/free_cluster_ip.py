"""An address of the cluster's Service network that no Service has."""

from __future__ import annotations

import json
import secrets
from ipaddress import ip_address

from jld.doctor.facts import NoResponse
from jld.doctor.kubectl import Kubectl
from jld.support.errors import EnvironmentUnfit
from jld.support.key_paths import dotted
from jld.values.storage import CLUSTER_IP

_BAND = range(
    16, 256
)  # Kubernetes gives out addresses by itself from the other end; the first few are often the cluster's DNS


def free_cluster_ip(kubectl: Kubectl) -> str:
    """Ask the cluster; nothing is changed there. Raises `EnvironmentUnfit` when it does not respond."""
    # A dry run of making a Service shows where the network begins, and no free address of it.
    shown = kubectl.run(*_dry_run(), "--output=jsonpath={.spec.clusterIP}")
    if isinstance(shown, NoResponse):
        raise _unfit(kubectl.why_unconfigured() or shown.reason)
    first = ip_address(shown)
    services = json.loads(_output(kubectl.run("get", "services", "--all-namespaces", "--output=json")))["items"]
    taken = {address for service in services for address in service["spec"].get("clusterIPs", ())}
    free = [str(first + offset) for offset in _BAND if str(first + offset) not in taken]
    # By chance, so that two sites that are prepared at once hardly get the same one.
    for candidate in secrets.SystemRandom().sample(free, min(8, len(free))):
        if not isinstance(kubectl.run(*_dry_run(), f"--clusterip={candidate}"), NoResponse):
            return candidate
    raise _unfit(f"the network from {first} on is small, or full")


def _dry_run() -> list[str]:
    return ["create", "service", "clusterip", "jld-file-server", "--tcp=2049", "--dry-run=server"]


def _output(output: str | NoResponse) -> str:
    if isinstance(output, NoResponse):
        raise _unfit(output.reason)
    return output


def _unfit(reason: str) -> EnvironmentUnfit:
    return EnvironmentUnfit(
        f"{dotted(CLUSTER_IP)}: the cluster was asked for a free address: {reason}; "
        "let kubectl reach the cluster, or write an address of its Service network that is free"
    )
