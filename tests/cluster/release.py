"""One installed release of the chart, and what a test asks it."""

import base64
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pykube
import yaml
from jlddev.support.paths import BIN, CHECKOUT
from pytest_helm_charts.clusters import Cluster
from pytest_helm_charts.k8s.namespace import ensure_namespace_exists

JLD = CHECKOUT / ".venv" / "bin" / "jld"
KUBECTL = BIN / "kubectl"
SMALL = Path(__file__).with_name("small-requests.yaml")
MOST_MILLICORES = 100  # that a release may ask for, its labs included


@dataclass(frozen=True)
class Ports:
    """The node ports of a release's front door: two releases in one cluster need different ones."""

    http: int
    https: int


def node_address(cluster: Cluster) -> str:
    """Where node ports answer, from this machine."""
    (node, *_) = pykube.Node.objects(cluster.kube_client)
    addresses = {entry["type"]: entry["address"] for entry in node.obj["status"]["addresses"]}
    return str(addresses["InternalIP"])


class Release:
    """A release in a namespace of the same name."""

    def __init__(self, cluster: Cluster, name: str, ports: Ports, folder: Path) -> None:
        self.cluster = cluster
        self.name = name
        self.ports = ports
        self.values = folder / "values.yaml"
        self.ca = folder / "ca.crt"
        self.helm_program = BIN / "helm"

    @property
    def client(self) -> pykube.HTTPClient:
        client = self.cluster.kube_client
        assert client is not None
        return client

    @property
    def site(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(self.values.read_text())
        return document

    @property
    def url(self) -> str:
        return f"https://{self.site['global']['hostname']}:{self.ports.https}"

    @property
    def hub_path(self) -> str:
        """What the hub's and the labs' paths begin with; nothing without a `global.hubRoute`."""
        return str(self.site["global"].get("hubRoute", "/")).rstrip("/")

    @property
    def node_address(self) -> str:
        return node_address(self.cluster)

    def create_namespace(self, enforce: str = "baseline") -> None:
        """With Pod Security enforced; `baseline` because a lab's init container is the one exception to `restricted`."""
        labels = {"pod-security.kubernetes.io/enforce": enforce}
        ensure_namespace_exists(self.client, self.name, {"labels": labels})

    def write_values(self, sites: Sequence[Path], secrets: Path) -> None:
        """From site files, which may say more about requests than the tests' own overlay does."""
        sites = [SMALL, *sites]
        words = [str(JLD), "values", *map(str, sites), "--secrets", str(secrets), "--output", str(self.values)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"jld values: {done.stderr}"
        if certificate := self.site["nginx"].get("secret", {}).get("caCertificate"):
            self.ca.write_bytes(base64.b64decode(certificate))

    def install(self) -> str:
        """`helm upgrade --install --wait`, from nothing or over what is there."""
        chart = str(CHECKOUT / "chart")
        said = self.helm(
            "upgrade", "--install", self.name, chart, "--values", str(self.values), "--wait", "--timeout=5m"
        )
        if self.site["nginx"].get("service", {}).get("type") == "NodePort":
            self._wait_for_node_port()
        return said

    def _wait_for_node_port(self) -> None:
        """The node's network learns of new pods a moment after they are ready."""
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((self.node_address, self.ports.https), 5).close()
                return
            except OSError:
                assert time.monotonic() < deadline, f"nobody answers at node port {self.ports.https}:\n{self.story()}"
                time.sleep(0.2)

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, "--wait", "--timeout=3m", "--ignore-not-found")

    def helm(self, *words: str) -> str:
        done = self._run(self.helm_program, *words)
        assert done.returncode == 0, f"helm {' '.join(words[:2])}: {done.stderr}\n{self.story()}"
        return done.stdout

    def kubectl(self, *words: str) -> str:
        done = self._run(KUBECTL, *words)
        waited = f"\n{self.story()}" if "wait" in words else ""
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}{waited}"
        return done.stdout

    def apply(self, text: str, namespace: str = "") -> None:
        """Objects from YAML, into the namespace, or another one."""
        done = self._run(KUBECTL, "apply", "--filename", "-", text=text, namespace=namespace)
        assert done.returncode == 0, f"kubectl apply: {done.stderr}\n{text}"

    def create(self, text: str) -> str:
        """One object from YAML, whose name Kubernetes may choose, into the namespace: its kind and name."""
        done = self._run(KUBECTL, "create", "--filename", "-", "--output=name", text=text)
        assert done.returncode == 0, f"kubectl create: {done.stderr}\n{text}"
        return done.stdout.strip()

    def kubectl_warnings(self, *words: str) -> list[str]:
        """What the API server warns of, one text a warning."""
        done = self._run(KUBECTL, *words)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return [line.removeprefix("Warning: ") for line in done.stderr.splitlines() if line.startswith("Warning: ")]

    def _run(
        self, program: Path, *words: str, text: str | None = None, namespace: str = ""
    ) -> subprocess.CompletedProcess[str]:
        place = ["--kubeconfig", str(self.cluster.kube_config_path), "--namespace", namespace or self.name]
        # It runs for a second, in which it would collect garbage several times.
        env = os.environ | {"GOGC": "400"}
        return subprocess.run(
            [str(program), *place, *words], input=text, env=env, capture_output=True, text=True, check=False
        )

    def inventory(self) -> list[str]:
        """Every object in the namespace as Kind/name, without those that tell of others: events and lease-like records."""
        kinds = self.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
        asked = [kind for kind in kinds if not kind.startswith(("events", "leases", "endpoint"))]
        return sorted(set(self.kubectl("get", ",".join(asked), "--output", "name").split()))

    @property
    def dummy_password(self) -> str:
        return base64.b64decode(self.site["hub"]["secret"]["dummyPassword"]).decode()

    def story(self) -> str:
        """What happened in the namespace, for a failing test's report."""
        asked = [["get", "pods", "-o", "wide"], ["get", "events", "--sort-by=.lastTimestamp"]]
        asked.append(["logs", f"deployment/{self.name}-hub", "--tail=40"])
        return "\n".join(self._run(KUBECTL, *words).stdout[-4000:] for words in asked)

    def pods(self, component: str | None = None) -> list[pykube.Pod]:
        selector = {"app.kubernetes.io/instance": self.name}
        if component:
            selector["app.kubernetes.io/component"] = component
        return list(pykube.Pod.objects(self.client, namespace=self.name).filter(selector=selector))

    def millicores(self) -> int:
        """What the pods in the namespace ask for of the node, without those that are done."""
        pods = [pod.obj for pod in pykube.Pod.objects(self.client, namespace=self.name)]
        return sum(pod_millicores(pod["spec"]) for pod in pods if pod["status"]["phase"] in ("Pending", "Running"))

    def delete(self) -> None:
        """The namespace with everything in it, and the volumes that the chart keeps on purpose; nothing if all are gone."""
        if (namespace := pykube.Namespace.objects(self.client).get_or_none(name=self.name)) is not None:
            self.uninstall()  # in its order: labs first, then the server of their homes
            # A front door that drains has minutes, and Kubernetes looks at the namespace again after half of them.
            self.kubectl("delete", "pods", "--all", "--grace-period=0", "--force", "--ignore-not-found")
            namespace.delete()
        deadline = time.monotonic() + 120
        while pykube.Namespace.objects(self.client).get_or_none(name=self.name) is not None:
            assert time.monotonic() < deadline, f"namespace {self.name} does not go away:\n{self.story()}"
            time.sleep(0.5)
        for volume in pykube.PersistentVolume.objects(self.client):
            # With a hyphen: an installation with the names of before.
            if volume.name.startswith((f"{self.name}.{self.name}-", f"{self.name}-{self.name}-")):
                volume.delete()


def pod_millicores(spec: dict[str, Any]) -> int:
    """What a pod asks for: its containers together, or the largest of those that run before them."""
    containers, before = (
        [millicores(each.get("resources", {}).get("requests", {}).get("cpu", "0")) for each in spec.get(name, [])]
        for name in ("containers", "initContainers")
    )
    return max([sum(containers), *before])


def millicores(quantity: str) -> int:
    """`50m` as 50, and `0.5` as 500."""
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)
