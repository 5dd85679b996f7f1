"""tests/standins/github.py as a pod: the real protocol, in the cluster, in the hub's own image."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pykube
import trustme
from pytest_helm_charts.clusters import Cluster
from pytest_helm_charts.k8s.namespace import ensure_namespace_exists

from .release import node_address

NAMESPACE = "jld-test-github"
NODE_PORT = 31090
PORT = 80  # that of a web server, which is what a hub may reach
TLS_NODE_PORT = 31091
TLS_PORT = 443
TLS_NAME = "github.test"  # which no DNS knows
SOURCE = Path(__file__).parents[1] / "standins" / "github.py"
LITTLE = {"requests": {"cpu": "5m", "memory": "32Mi"}}
HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


class GitHub:
    """The stand-in for GitHub."""

    def __init__(self, cluster: Cluster, image: str, people: dict[str, Any]) -> None:
        client = cluster.kube_client
        assert client is not None
        self._cluster = cluster
        self._client = client
        self._image = image
        self._people = people
        self.client_id: str = people["client"]["id"]
        self.client_secret: str = people["client"]["secret"]
        authority = trustme.CA()
        self.authority = authority.cert_pem.bytes().decode()
        issued = authority.issue_cert(TLS_NAME)
        self._certificate = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
        self._key = issued.private_key_pem.bytes().decode()

    @property
    def url(self) -> str:
        return f"http://{node_address(self._cluster)}:{NODE_PORT}"

    @property
    def tls_url(self) -> str:
        """With a certificate of `authority`, at a name that an HTTP proxy knows."""
        return f"https://{TLS_NAME}:{TLS_NODE_PORT}"

    def login(self, url: str = "", **organizations: list[str]) -> dict[str, Any]:
        """`hub.auth.github` of a site whose people log in here."""
        return {
            "clientId": self.client_id,
            "url": url or self.url,
            "apiUrl": f"{url or self.url}/api/v3",
            "organizations": organizations,
        }

    def register(self, callback: str) -> None:
        """Register the OAuth application's callback, as its owner does at GitHub."""
        self._people["client"]["callback"] = callback
        self._apply()
        self._wait()

    def control(self, **mode: object) -> None:
        """Make it fail, or well again."""
        httpx.post(f"{self.url}/_control", json=mode, timeout=10).raise_for_status()

    def start(self) -> None:
        ensure_namespace_exists(self._client, NAMESPACE)
        # On a cluster that has just started, the controller that gives a namespace its account may come late.
        accounts = pykube.ServiceAccount.objects(self._client, namespace=NAMESPACE)
        deadline = time.monotonic() + 60
        while accounts.get_or_none(name="default") is None:
            assert time.monotonic() < deadline, f"the namespace {NAMESPACE} got no service account"
            time.sleep(0.2)

    def stop(self) -> None:
        if namespace := pykube.Namespace.objects(self._client).get_or_none(name=NAMESPACE):
            namespace.delete()

    def _apply(self) -> None:
        for kind, manifest in self._objects():
            found = kind.objects(self._client, namespace=NAMESPACE).get_or_none(name="github")
            if found is not None:
                found.delete()
                while kind.objects(self._client, namespace=NAMESPACE).get_or_none(name="github") is not None:
                    time.sleep(0.5)
            kind(self._client, manifest).create()

    def _objects(self) -> list[tuple[type[pykube.objects.NamespacedAPIObject], dict[str, Any]]]:
        metadata = {"name": "github", "namespace": NAMESPACE, "labels": {"app": "github"}}
        files = {"github.py": SOURCE.read_text(), "people.json": json.dumps(self._people)}
        files |= {"tls.crt": self._certificate, "tls.key": self._key}
        command = ["python", "/stand-in/github.py", "--port", str(PORT), "--people", "/stand-in/people.json"]
        command += ["--tls-port", str(TLS_PORT), "--certificate", "/stand-in/tls.crt", "--key", "/stand-in/tls.key"]
        container = {
            "name": "github",
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": command,
            "securityContext": HARDENED,
            "volumeMounts": [{"name": "files", "mountPath": "/stand-in"}],
            "readinessProbe": {"httpGet": {"path": "/_control", "port": PORT}, "periodSeconds": 1},
            "resources": LITTLE,
        }
        pod = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
            "containers": [container],
            "volumes": [{"name": "files", "configMap": {"name": "github"}}],
        }
        ports = [
            {"name": "http", "port": PORT, "nodePort": NODE_PORT},
            {"name": "https", "port": TLS_PORT, "nodePort": TLS_NODE_PORT},
        ]
        service = {"type": "NodePort", "selector": {"app": "github"}, "ports": ports}
        return [
            (pykube.ConfigMap, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files}),
            (pykube.Pod, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}),
            (pykube.Service, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}),
        ]

    def _wait(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                httpx.get(f"{self.url}/_control", timeout=2).raise_for_status()
                return
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "the GitHub stand-in does not answer"
                time.sleep(0.5)
