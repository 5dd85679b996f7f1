"""kind on the harness's own Docker Engine: the tests' way to it on machines where no engine answers and no registry."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jlddev.clusters import cgroups, programs, providers
from jlddev.docker import engine, node_image
from jlddev.docker.engine import ENGINE
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from jlddev.support.paths import CACHE

# kubeadm gives up after a minute: on a machine that does much else, its API server has begun by then and no more.
PATIENT = {
    "kind": "InitConfiguration",
    "apiVersion": "kubeadm.k8s.io/v1beta4",
    "timeouts": {"controlPlaneComponentHealthCheck": "10m", "kubeletHealthCheck": "10m", "kubernetesAPICall": "10m"},
}
WHAT = "A Docker Engine of the harness's own"


class OwnKind(providers.Kind):
    """kind with an engine, and a node image, of the harness's own."""

    kubeconfig = CACHE / "own-kind.kubeconfig"
    # Where the port is not named, kind looks for a free one on this machine, whose address this is not.
    networking: Mapping[str, object] = {"apiServerAddress": ENGINE.address, "apiServerPort": 6443}
    network_policies = "NetworkPolicies are enforced by kube-router's controller, instead of kindnet"
    nfs_client = "its nodes have no client of NFS"

    @property
    def what(self) -> str:
        return (
            f"kind {providers.KIND_VERSION} with Debian's Docker Engine in namespaces of its own, and in place of kind's node image, "
            f"which no registry gives here, one of kind's files, Debian's packages and compiled programs (Kubernetes {node_image.version()})"
        )

    def check(self, ports: Iterable[int], count: int = 1) -> None:
        if os.geteuid() != 0:
            raise Unsupported(
                f"{WHAT} is in namespaces and cgroups of its own, which only root may make: run it as root."
            )
        if lacking := cgroups.missing():
            raise Unsupported(f"{WHAT} has cgroups as the native cluster has them. {lacking}.")
        debian_packages.require(debian_packages.NATIVE, WHAT)
        programs.require_go(node_image.OF_NODE)

    def up(self, count: int = 1) -> Path:
        self.check([], count)
        debian_packages.ensure(debian_packages.NATIVE, WHAT)
        archive = node_image.built()
        engine.up()
        node_image.give(archive, ENGINE.programs / "docker")
        return super().up(count)

    def down(self) -> None:
        engine.down()
        self.kubeconfig.unlink(missing_ok=True)

    def running(self) -> bool:
        return ENGINE.runs() and super().running()

    def configuration(self, count: int) -> Mapping[str, Any]:
        """As of `make cluster`, with the address, the image, and the patience of a machine that does much else."""
        patches = [PATIENT, *([] if cgroups.is_unified() else providers.CGROUP_V1)]
        return providers.kind_configuration(count, self.networking, node_image.reference(), patches)

    def _env(self) -> dict[str, str]:
        env = super()._env()
        return env | {"PATH": f"{ENGINE.programs}{os.pathsep}{env['PATH']}"}
