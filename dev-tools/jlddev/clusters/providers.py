"""The cluster that `make up` and the tests use: an existing one (KUBECONFIG), kind, or the native cluster."""

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jlddev.clusters import cgroups, load, native, nodes, programs, workers
from jlddev.images import build
from jlddev.support import debian_packages
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.paths import BIN, CACHE
from jlddev.support.ports import require_free
from jlddev.support.run import output, run, say
from jlddev.tools import go

FRONT_DOOR = {8443: 30443, 8080: 30080}  # values/local.yaml has the same ports
KIND_CLUSTER = "jld"
MINUTES_OF_ONE_CORE = 40  # of the first native start; 18 to 35 were measured on two cores
KIND_VERSION = "v0.33.0"
KIND_PROGRAM = f"sigs.k8s.io/kind@{KIND_VERSION}"
# The kubelet refuses cgroup v1 unless told otherwise.
CGROUP_V1 = [{"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1", "failCgroupV1": False}]


class Provider(ABC):
    """A kind of cluster."""

    name: str
    network_policies = "whether this cluster enforces NetworkPolicies is not known"
    nfs_client = "NFS is mounted as its nodes do it"

    @property
    @abstractmethod
    def what(self) -> str:
        """A description of the cluster, for people."""

    def check(self, ports: Iterable[int], count: int = 1) -> None:
        """Raises MachineError when this machine lacks requirements of `up` and `front_door`. Changes nothing."""
        if count > 1:
            raise MachineError(
                f"{self.what} has the nodes that it has: more are for the native cluster, leave NODES out."
            )
        native.require_free([] if self.running() else ports)

    def time_of_start(self) -> str | None:
        """How long the first start takes, as a sentence, where that is more than a minute."""
        return None

    @abstractmethod
    def up(self, count: int = 1) -> Path:
        """Start the cluster unless it runs, with at least so many nodes. Returns its kubeconfig. Raises MachineError."""

    @abstractmethod
    def down(self) -> None:
        """Remove what `up` created, and nothing else."""

    @abstractmethod
    def running(self) -> bool:
        """Whether the cluster runs already."""

    @abstractmethod
    def load(self, builder: build.Builder, built: Sequence[build.Image]) -> None:
        """Load images onto the nodes."""

    @abstractmethod
    def front_door(self, ports: Mapping[int, int]) -> None:
        """Forward ports of this machine's loopback to node ports: local port -> node port."""


class Given(Provider):
    """An existing cluster, named by KUBECONFIG. Images must be in a registry from which it can pull."""

    name = "given"
    what = "the cluster of KUBECONFIG"

    def check(self, ports: Iterable[int], count: int = 1) -> None:
        super().check(ports, count)
        path = Path(os.environ["KUBECONFIG"])
        if not path.exists():
            raise MachineError(f"KUBECONFIG names {path}, and there is no such file: correct or unset it.")

    def up(self, count: int = 1) -> Path:
        self.check([], count)
        path = Path(os.environ["KUBECONFIG"])
        output([BIN / "kubectl", "--kubeconfig", path, "--request-timeout=10s", "get", "--raw", "/readyz"])
        return path

    def down(self) -> None:
        say("the cluster of KUBECONFIG is yours: left as it is")

    def running(self) -> bool:
        return True

    def load(self, builder: build.Builder, built: Sequence[build.Image]) -> None:
        say("the cluster of KUBECONFIG pulls its images from global.imageRegistry")

    def front_door(self, ports: Mapping[int, int]) -> None:
        say("the cluster of KUBECONFIG has its own way in: see its Service or load balancer")


class Kind(Provider):
    """Kubernetes in Docker."""

    name = "kind"
    kubeconfig = CACHE / "kind.kubeconfig"
    networking: Mapping[str, object] = {"apiServerAddress": "127.0.0.1"}

    @property
    def what(self) -> str:
        return f"kind {KIND_VERSION} (Kubernetes in Docker)"

    def check(self, ports: Iterable[int], count: int = 1) -> None:
        if shutil.which("kind", path=self._path()) is None:
            go.require("kind is compiled")
        if self.running():
            if count > (there := len(self.nodes())):
                raise MachineError(
                    f"The kind cluster runs with fewer nodes ({there}), and kind adds none: make cluster-down, then repeat with NODES={count}."
                )
        else:
            require_free(ports)

    def up(self, count: int = 1) -> Path:
        self.check([], count)
        if shutil.which("kind", path=self._path()) is None:
            env = os.environ | {"GOBIN": str(BIN), "CGO_ENABLED": "0"}
            run("build kind", [go.program(), "install", KIND_PROGRAM], log="build-kind", env=env)
        if not self.running():
            configuration = self.kubeconfig.with_suffix(".configuration.json")
            configuration.write_text(json.dumps(self.configuration(count), indent=2))  # which is YAML too
            command = ["kind", "create", "cluster", "--name", KIND_CLUSTER, "--wait=120s"]
            run(
                "create the kind cluster",
                [*command, "--config", str(configuration), "--kubeconfig", str(self.kubeconfig)],
                log="kind-create",
                env=self._env(),
            )
        return self.kubeconfig

    def configuration(self, count: int) -> Mapping[str, Any]:
        """What kind is told of a new cluster."""
        return kind_configuration(count, self.networking, None, [] if cgroups.is_unified() else CGROUP_V1)

    def down(self) -> None:
        run(
            "delete the kind cluster",
            ["kind", "delete", "cluster", "--name", KIND_CLUSTER, "--kubeconfig", self.kubeconfig],
            log="kind-delete",
            env=self._env(),
        )

    def running(self) -> bool:
        if shutil.which("kind", path=self._path()) is None:
            return False
        return KIND_CLUSTER in output(["kind", "get", "clusters"], env=self._env()).split()

    def nodes(self) -> list[str]:
        """The names of its nodes, which are containers of Docker."""
        return output(["kind", "get", "nodes", "--name", KIND_CLUSTER], env=self._env()).split()

    def load(self, builder: build.Builder, built: Sequence[build.Image]) -> None:
        load.into_kind(builder, KIND_CLUSTER, self.nodes(), built, self._env())

    def front_door(self, ports: Mapping[int, int]) -> None:
        """Does nothing: the ports are mapped when the cluster is created."""

    def _path(self) -> str:
        return f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"

    def _env(self) -> dict[str, str]:
        return os.environ | {"PATH": self._path()}


def kind_configuration(
    count: int, networking: Mapping[str, object], image: str | None, patches: Sequence[object]
) -> Mapping[str, Any]:
    """kind's configuration of a cluster with so many nodes, the first of which has the control plane.

    `networking` is kind's; at its `apiServerAddress` the front door's node ports answer too. `image` is the node's, kind's
    own where it is None. `patches` are objects of kubeadm and of the kubelet to merge.
    """
    mappings = [
        {"containerPort": inside, "hostPort": outside, "listenAddress": networking["apiServerAddress"]}
        for outside, inside in FRONT_DOOR.items()
    ]
    first: dict[str, Any] = {"role": "control-plane", "extraPortMappings": mappings}
    of_image = {"image": image} if image else {}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": networking,
        "nodes": [first | of_image, *({"role": "worker"} | of_image for _ in range(count - 1))],
        "kubeadmConfigPatches": [json.dumps(patch) for patch in patches],
    }


class Native(Provider):
    """Nodes in namespaces of this machine."""

    name = "native"
    network_policies = "NetworkPolicies are enforced by kube-router's controller"
    nfs_client = "its nodes mount NFS through a user-space client over FUSE; protocol and server are the real ones"

    @property
    def what(self) -> str:
        version = programs.kubernetes_version((programs.MODULE / "go.mod").read_text())
        return f"native (Kubernetes {version}, nodes in namespaces of this machine)"

    def check(self, ports: Iterable[int], count: int = 1) -> None:
        if count > nodes.MOST:
            raise MachineError(f"The native cluster has at most {nodes.MOST} nodes: set NODES to no more.")
        if reason := native.missing():
            raise Unsupported(reason)
        debian_packages.require(debian_packages.NATIVE, "The native cluster")
        programs.require_go()
        native.require_free(ports)

    def time_of_start(self) -> str | None:
        if self.running() or not programs.missing():
            return None
        minutes = max(6, MINUTES_OF_ONE_CORE // (os.cpu_count() or 1))
        return f"the first start takes about {minutes} minutes here, most of them to compile Kubernetes; later ones take half a minute"

    def up(self, count: int = 1) -> Path:
        self.check([], count)
        debian_packages.ensure(debian_packages.NATIVE, "the native cluster")
        kubeconfig = native.up()
        workers.ensure(count)
        helper = [build.node_helper()]
        self.load(build.build(helper), helper)
        native.wait_for_dns()
        return kubeconfig

    def down(self) -> None:
        native.down()

    def running(self) -> bool:
        return nodes.FIRST.runs()

    def load(self, builder: build.Builder, built: Sequence[build.Image]) -> None:
        load.into_native(builder, built)

    def front_door(self, ports: Mapping[int, int]) -> None:
        native.forward(ports)


def choose() -> Provider:
    """KUBECONFIG, else Docker, else native."""
    if os.environ.get("KUBECONFIG"):
        return Given()
    if build.docker_answers():
        return Kind()
    return Native()
